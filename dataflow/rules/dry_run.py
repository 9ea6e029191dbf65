"""Dry run: judges lines, or the last records of a topic, by rules; nothing is written, and few are held."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from time import monotonic

from dataflow.errors import missing_topic
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_last
from dataflow.kafka.types import TopicPartition
from dataflow.stages.filter_dry_run import DryRun, try_rules
from dataflow.stages.filter_rules import FilterRules
from dataflow.topics import existing_topics

MOST_RECORDS = 1_000_000
MOST_SECONDS = 10.0
AT_ONCE = 10_000
FETCH_BYTES = 4 << 20


async def try_lines(rules: FilterRules, lines: Iterable[bytes | None]) -> DryRun:
    """Judge lines in a thread, for at most `MOST_SECONDS`; the event loop is not blocked."""
    deadline = monotonic() + MOST_SECONDS
    return await asyncio.to_thread(try_rules, rules, lines, lambda: monotonic() < deadline)


async def try_topic(rules: FilterRules, connection: Mapping[str, object], topic: str, count: int) -> DryRun:
    """Judge about the last `count` records of a topic as they come, for at most `MOST_SECONDS`."""
    deadline, dry_run = monotonic() + MOST_SECONDS, DryRun()
    async with aclosing(last_records(connection, topic, count)) as records:
        while dry_run.complete:
            try:
                async with asyncio.timeout(deadline - monotonic()):
                    values = await anext(records, None)
            except TimeoutError:
                dry_run.complete = False
                break
            if values is None:
                break
            await asyncio.to_thread(try_rules, rules, values, lambda: monotonic() < deadline, dry_run)
    return dry_run


async def last_records(
    connection: Mapping[str, object], topic: str, count: int
) -> AsyncGenerator[list[bytes | None], None]:
    """Yield the values of about the last `count` records of a topic, as many of each partition."""
    partition_counts = await existing_topics(connection)
    if topic not in partition_counts:
        raise missing_topic(topic, partition_counts)
    partitions = [TopicPartition(topic, number) for number in range(partition_counts[topic])]
    async with reader(connection, fetch_bytes=FETCH_BYTES) as consumer:
        async for _, records in read_last(consumer, partitions, count, AT_ONCE):
            yield [record.value for record in records]
