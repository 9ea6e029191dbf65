"""A connection by TLS that is closed: on the loop that workers have, while the broker holds a fetch back."""

import asyncio
from collections.abc import Callable

import uvloop
from harness.guarded_broker import Guarded

from dataflow.kafka.closing import GOODBYE_SECONDS
from dataflow.kafka.consumers import reader
from dataflow.kafka.types import TopicPartition


def test_a_consumer_by_tls_closes_at_once_while_it_waits_for_records(
    guarded: Guarded, unique: Callable[[str], str]
):
    """By uvloop it took 30 s to wait for the end of a TLS session, and a worker a minute to start."""
    topic = unique("empty")
    guarded.kafka.create_topics(topic, 1)

    async def seconds_to_close() -> float:
        async with reader(guarded.as_bob) as consumer:
            tp = TopicPartition(topic, 0)
            consumer.assign([tp])
            await consumer.getmany(timeout_ms=100)
            begun = asyncio.get_running_loop().time()
        seconds = asyncio.get_running_loop().time() - begun
        await asyncio.sleep(2 * GOODBYE_SECONDS)  # uvloop has waited for ever for a connection in its goodbye
        return seconds

    assert uvloop.run(seconds_to_close()) < 15
