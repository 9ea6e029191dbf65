"""Restores the state of partitions, as it was at the last checkpoint, from their changelogs."""

from collections.abc import Callable, Collection, Iterable, Mapping

from dataflow.engine.state import PARTITION_KEY, PartitionState
from dataflow.engine.tables.table import WindowedTable
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import OnStalled, read_up_to
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition

FETCH_BYTES = 4 << 20
RECORDS_AT_ONCE = 10_000  # between two breaths of the event loop

TablesOf = Callable[[str], Collection[WindowedTable]]


async def restore(
    tps: Collection[TopicPartition],
    changelogs: Mapping[str, str],
    tables_of: TablesOf,
    connection: Mapping[str, object],
    on_stuck: OnStalled,
    on_progress: Callable[[], object] = lambda: None,
) -> dict[TopicPartition, PartitionState]:
    """Read the changelogs of these source partitions to their real ends.

    Only what is committed counts. `on_stuck` is told what an open transaction has held up for a second.
    """
    states = {tp: PartitionState.of(tables_of(tp.topic)) for tp in tps}
    sources = {TopicPartition(changelogs[tp.topic], tp.partition): tp for tp in tps}
    if not sources:
        return states
    # A read_uncommitted reader is told the real end, a read_committed one only its own.
    async with reader(connection, isolation_level="read_uncommitted") as head:
        ends = await head.end_offsets(list(sources))
    async with reader(connection, fetch_bytes=FETCH_BYTES) as consumer:
        consumer.assign(list(sources))
        async for log, records in read_up_to(
            consumer,
            ends,
            max_records=RECORDS_AT_ONCE,
            on_stalled=lambda logs: on_stuck([sources[log] for log in logs]),
        ):
            _load(states[sources[log]], records)
            on_progress()
    return states


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
