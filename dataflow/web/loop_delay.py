"""Loop delay: how late the worker's main loop comes to what is due, for Prometheus."""

import asyncio
from time import monotonic

from mode import Service
from prometheus_client import Histogram

PERIOD_SECONDS = 0.05

DELAY = Histogram(
    "dataflow_loop_delay_seconds",
    "How late timers of the main loop fire: so long batches, answers and heartbeats wait.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)


class LoopDelay(Service):
    """Measures the delay as whoever comes at any moment meets it."""

    @Service.task
    async def _measure(self) -> None:
        while not self.should_stop:
            due = monotonic() + PERIOD_SECONDS  # uvloop's own time stands still while something holds it
            await asyncio.sleep(PERIOD_SECONDS)
            DELAY.observe(max(monotonic() - due, 0.0))
