"""Trial: rules and a topic in, what they would make of its last records out; nothing is written."""

import asyncio
from collections.abc import Iterable, Mapping
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from dataflow.errors import DataflowError
from dataflow.kafka.fetch import drain
from dataflow.stages.filter_dry_run import DryRun, try_rules
from dataflow.stages.filter_rules import FilterRules
from dataflow.topics import existing_topics

MOST_RECORDS = 1_000_000
MOST_SECONDS = 10.0
AT_ONCE = 10_000


async def try_lines(rules: FilterRules, lines: Iterable[bytes | None]) -> DryRun:
    """Judge lines in a thread, at most `MOST_SECONDS` long: the loop goes on with its batches."""
    deadline = monotonic() + MOST_SECONDS
    return await asyncio.to_thread(try_rules, rules, lines, lambda: monotonic() < deadline)


async def last_records(connection: Mapping[str, object], topic: str, count: int) -> list[bytes | None]:
    """Return the values of about the last `count` records of a topic, as many of each partition."""
    partition_counts = await existing_topics(connection)
    if topic not in partition_counts:
        raise DataflowError(f"topic is {topic!r}; expected one that exists")
    partitions = [TopicPartition(topic, number) for number in range(partition_counts[topic])]
    reader = AIOKafkaConsumer(
        **connection, group_id=None, isolation_level="read_committed", max_partition_fetch_bytes=4 << 20
    )
    await reader.start()
    try:
        await asyncio.sleep(0)  # aiokafka's stop() fails if its task has not begun
        begins, ends = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
        share = -(-count // len(partitions))
        reader.assign(partitions)
        for tp in partitions:
            reader.seek(tp, max(begins[tp], ends[tp] - share))
        return await _read_to(reader, ends)
    finally:
        await reader.stop()


async def _read_to(reader: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[bytes | None]:
    values: list[bytes | None] = []
    deadline = monotonic() + MOST_SECONDS
    # The end may be a control record: only the position passes it.
    while lag := [tp for tp, end in ends.items() if await reader.position(tp) < end]:
        if monotonic() > deadline:
            raise DataflowError(f"records of {lag[0].topic} have not come within {MOST_SECONDS:g} s")
        for tp, fetched in (await drain(reader, lag, AT_ONCE, 0.1)).items():
            values += [
                record.value
                for record_slice in fetched.slices
                for record in record_slice.records
                if record.offset < ends[tp]
            ]
    return values
