"""Loop delay: what holds the main loop is seen by Prometheus."""

import asyncio
import time

from prometheus_client import REGISTRY

from dataflow.web.loop_delay import PERIOD_SECONDS, LoopDelay

HELD_SECONDS = 0.5


def delays(**labels: str) -> float:
    """Return how many delays were measured, or with `le` how many were at most so long."""
    name = "dataflow_loop_delay_seconds" + ("_bucket" if labels else "_count")
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None
    return value


async def measure(held_seconds: float) -> None:
    """Measure for a while, the loop held once in it."""
    service = LoopDelay()
    await service.start()
    await asyncio.sleep(2 * PERIOD_SECONDS)
    time.sleep(held_seconds)  # noqa: ASYNC251 - what must not happen in a worker
    await asyncio.sleep(2 * PERIOD_SECONDS)
    await service.stop()


def test_what_holds_the_loop_is_seen():
    """Nobody would otherwise know why heartbeats, answers and batches are late."""
    measured, short = delays(), delays(le="0.1")

    asyncio.run(measure(HELD_SECONDS))

    assert delays() > measured
    assert delays() - measured >= delays(le="0.1") - short + 1  # a busy machine holds it, too
