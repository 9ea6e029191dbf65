"""Restores the state of partitions, as it was at the last checkpoint, from disk and from their changelogs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dataflow.engine.engine_metrics import RECOVERY_LEFT
from dataflow.engine.local_store import LocalStore
from dataflow.engine.state import PartitionState
from dataflow.engine.stored_partition import Changelog
from dataflow.engine.tables.changelog import FORMAT_VERSION
from dataflow.engine.tables.table import WindowedTable
from dataflow.instants import now_ms
from dataflow.kafka.consumers import client_of, reader
from dataflow.kafka.reading import OnStalled, ReadHeldUp, read_up_to
from dataflow.kafka.record import Record
from dataflow.kafka.topic_ids import topic_ids
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

FETCH_BYTES = 4 << 20
RECORDS_AT_ONCE = 10_000  # between two breaths of the event loop

HELD_UP_SECONDS = 10.0
"""So long partitions of which nothing comes hold up those that are restored; then they are left out."""

TablesOf = Callable[[str], Collection[WindowedTable]]


class Restored(NamedTuple):
    """What was restored, by the partition of the source."""

    states: dict[TopicPartition, PartitionState]
    held_up: Mapping[TopicPartition, int]
    """Changelog partitions that nothing comes of any more, and up to where they are to be read."""


async def restore(
    tps: Collection[TopicPartition],
    changelogs: Mapping[str, str],
    tables_of: TablesOf,
    connection: Mapping[str, object],
    on_stuck: OnStalled,
    local: LocalStore | None = None,
) -> Restored:
    """Read the disk, then what is committed of changelogs; `on_stuck` is told what a transaction holds up."""
    local = local or LocalStore()
    if not tps:
        return Restored({}, {})
    sources = {TopicPartition(changelogs[tp.topic], tp.partition): tp for tp in tps}
    tables = {tp: tables_of(source.topic) for tp, source in sources.items()}
    found = await _find(tables, connection, local.worker)
    states = {tp: await local.load(tp, changelog, tables[tp]) for tp, changelog in found.items()}
    held_up = await _replay(found, states, connection, partial(_tell, on_stuck, sources), local)
    RECOVERY_LEFT.set(0)
    states = {tp: state for tp, state in states.items() if tp not in held_up}
    for tp, state in states.items():
        state.keep((), found[tp].end)
        state.check_loaded(f"changelog {tp.topic}/{tp.partition}", found[tp].start, now_ms())
    return Restored({sources[tp]: state for tp, state in states.items()}, held_up)


async def _replay(
    found: Mapping[TopicPartition, Changelog],
    states: Mapping[TopicPartition, PartitionState],
    connection: Mapping[str, object],
    on_stuck: OnStalled,
    local: LocalStore,
) -> Mapping[TopicPartition, int]:
    """Bring states up to date from their changelogs; return which are held up, and their ends."""
    left, ends = RecordsLeft(found, states), {tp: changelog.end for tp, changelog in found.items()}
    async with reader(connection, fetch_bytes=FETCH_BYTES) as consumer:
        _seek(consumer, states)
        try:
            async for tp, records in read_up_to(consumer, ends, RECORDS_AT_ONCE, on_stuck, HELD_UP_SECONDS):
                replayed = list(records)
                await local.replay(states[tp], replayed)
                left.note(tp, replayed)
        except ReadHeldUp as error:
            return error.ends
    return {}


class RecordsLeft:
    """How many records of changelogs are still to be read, for Prometheus."""

    def __init__(
        self, found: Mapping[TopicPartition, Changelog], states: Mapping[TopicPartition, PartitionState]
    ) -> None:
        on_disk = {tp: state.stored.position if state.stored else None for tp, state in states.items()}
        self._next = {tp: at.start if on_disk[tp] is None else on_disk[tp] for tp, at in found.items()}
        RECOVERY_LEFT.set(sum(at.end - (self._next[tp] or 0) for tp, at in found.items()))

    def note(self, tp: TopicPartition, replayed: Sequence[Record]) -> None:
        """Note records that are restored."""
        if replayed:
            end = replayed[-1].offset + 1
            RECOVERY_LEFT.dec(end - (self._next[tp] or 0))
            self._next[tp] = end


async def _tell(
    on_stuck: OnStalled, sources: Mapping[TopicPartition, TopicPartition], logs: Collection[TopicPartition]
) -> None:
    await on_stuck([sources[tp] for tp in logs])


def _seek(consumer: Consumer, states: Mapping[TopicPartition, PartitionState]) -> None:
    """Read each changelog from where the disk ends."""
    on_disk = {tp: at for tp, state in states.items() if (at := state.stored and state.stored.position)}
    consumer.assign(list(states))
    for tp, position in on_disk.items():
        consumer.seek(tp, position)
    log.info("Tables are restored from disk and changelogs.", partitions=len(states), on_disk=len(on_disk))


async def _find(
    tables: Mapping[TopicPartition, Collection[WindowedTable]], connection: Mapping[str, object], worker: str
) -> dict[TopicPartition, Changelog]:
    """Return these changelog partitions as the broker has them."""
    # A read_uncommitted reader is told the real end, a read_committed one only its own.
    async with reader(connection, isolation_level="read_uncommitted") as head:
        starts = await head.beginning_offsets(list(tables))
        ends = await head.end_offsets(list(tables))
        ids = await topic_ids(client_of(head), {tp.topic for tp in tables})
    return {
        tp: Changelog(
            [worker, ids[tp.topic], str(FORMAT_VERSION), *(table.declared for table in counted)]
            if tp.topic in ids
            else None,
            starts[tp],
            ends[tp],
        )
        for tp, counted in tables.items()
    }
