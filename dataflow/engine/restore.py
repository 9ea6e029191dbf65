"""Restores the state of partitions, as it was at the last checkpoint, from their changelogs."""

from collections.abc import Callable, Collection, Mapping, Sequence

from dataflow.engine.state import PartitionState
from dataflow.engine.tables.table import WindowedTable
from dataflow.instants import now_ms
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
    """Read what is committed of changelogs; `on_stuck` is told what an open transaction holds up."""
    sources = {TopicPartition(changelogs[tp.topic], tp.partition): tp for tp in tps}
    if not sources:
        return {}
    states = {log: PartitionState.of(tables_of(tp.topic)) for log, tp in sources.items()}
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
            _load(states[log], list(records))
            on_progress()
    for log, state in states.items():
        state.check_loaded(f"changelog {log.topic}/{log.partition}", now_ms())
    return {tp: states[log] for log, tp in sources.items()}


def _load(state: PartitionState, records: Sequence[Record]) -> None:
    state.load([(record.key or b"", record.value) for record in records])
    state.note_offsets(records)
