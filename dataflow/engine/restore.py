"""Restores the state of partitions, as it was at the last checkpoint, from their changelogs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from dataflow.engine.state import PARTITION_KEY, PartitionState
from dataflow.engine.tables.table import WindowedTable
from dataflow.kafka.fetch import drain
from dataflow.kafka.record import Record

FETCH_BYTES = 4 << 20
PART_RECORDS = 10_000  # between two breaths of the event loop
STUCK_SECONDS = 1.0
GIVE_UP_SECONDS = 60.0  # then it is tried from the start

TablesOf = Callable[[str], Collection[WindowedTable]]


async def restore(
    tps: Collection[TopicPartition],
    changelogs: Mapping[str, str],
    tables_of: TablesOf,
    connection: Mapping[str, object],
    on_stuck: Callable[[Collection[TopicPartition]], Awaitable[None]],
) -> dict[TopicPartition, PartitionState]:
    """Read the changelogs of these source partitions to their real ends.

    Only what is committed counts. A transaction that is still open is waited for; after
    a second `on_stuck` is told which source partitions it holds up.
    """
    states = {tp: PartitionState.of(tables_of(tp.topic)) for tp in tps}
    sources = {TopicPartition(changelogs[tp.topic], tp.partition): tp for tp in tps}
    if not sources:
        return states
    # A read_uncommitted reader is told the real end, a read_committed one only its own.
    head = AIOKafkaConsumer(**connection)
    reader = AIOKafkaConsumer(
        **connection,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await asyncio.gather(head.start(), reader.start())
        ends = await head.end_offsets(list(sources))
        reader.assign(list(sources))
        await reader.seek_to_beginning(*sources)
        await _read_to(reader, ends, {log: states[tp] for log, tp in sources.items()}, sources, on_stuck)
    finally:
        await asyncio.gather(head.stop(), reader.stop())
    return states


async def _read_to(
    reader: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    states: Mapping[TopicPartition, PartitionState],
    sources: Mapping[TopicPartition, TopicPartition],
    on_stuck: Callable[[Collection[TopicPartition]], Awaitable[None]],
) -> None:
    stuck_at, told = monotonic() + STUCK_SECONDS, False
    # The end is a control record: only the position passes it, no record ever comes from there.
    while lag := [log for log in states if await reader.position(log) < ends[log]]:
        drained = await drain(reader, lag, PART_RECORDS, 0.1)
        for log, fetched in drained.items():
            for record_slice in fetched.slices:
                _load(states[log], record_slice.records)
        if any(fetched.slices for fetched in drained.values()):
            stuck_at = monotonic() + STUCK_SECONDS
        elif monotonic() > stuck_at + GIVE_UP_SECONDS:
            raise TimeoutError(f"changelogs {sorted(lag)} do not go on")
        elif not told and monotonic() > stuck_at:
            told = True
            await on_stuck([sources[log] for log in lag])
        await asyncio.sleep(0)


def _load(state: PartitionState, records: Iterable[Record]) -> None:
    table_partitions = {
        name.encode(): table_partition.load for name, table_partition in state.table_partitions.items()
    }
    for record in records:
        key, value = record.key, record.value
        assert key is not None  # a compacted topic takes no record without
        load = table_partitions.get(key[: key.find(b"|")])
        if load is not None:
            load(key, value)
        elif key == PARTITION_KEY and value is not None:
            state.load_numbers(value)
