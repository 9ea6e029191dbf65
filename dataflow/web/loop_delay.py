"""Loop delay: how late the worker's main loop comes to what is due, for Prometheus."""

import asyncio
from time import monotonic

from mode import Service

from dataflow import metrics

PERIOD_SECONDS = 0.2

DELAY = metrics.histogram("dataflow_loop_delay_seconds")


class LoopDelay(Service):
    """Measures the delay as whoever comes at any moment meets it."""

    @Service.task
    async def _measure(self) -> None:
        while not self.should_stop:
            due = monotonic() + PERIOD_SECONDS  # uvloop's own time stands still while something holds it
            await asyncio.sleep(PERIOD_SECONDS)
            DELAY.observe(max(monotonic() - due, 0.0))
