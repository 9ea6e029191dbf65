"""Recovers partitions after an assignment: where to read on, and what was counted up to there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from faust.types import TP

from dataflow.engine.assignment import Positions
from dataflow.engine.engine_metrics import LOST_RECORDS
from dataflow.engine.group import Group
from dataflow.engine.held_up import HeldUpChangelogs
from dataflow.engine.local_store import LocalStore
from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition
from dataflow.engine.pauses import PauseCause, StreamPauses
from dataflow.engine.restore import restore
from dataflow.engine.sibling_groups import SiblingGroups
from dataflow.engine.state import PartitionState
from dataflow.engine.topic_identity import check_changelog, check_source
from dataflow.engine.topology import Topology
from dataflow.engine.truncation import OffsetsWentBack, find_truncated, pause_truncated
from dataflow.errors import DataflowError
from dataflow.instants import now_ms
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.managed_producer import ManagedProducer
from dataflow.kafka.offset_fetch import UnstableOffsetCommit, last_committers, stable_offsets
from dataflow.kafka.topic_ids import topic_ids
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

UNSTABLE_SECONDS = 1.0  # then the last committer's transaction is ended for it
STABLE_SECONDS = 50.0


class RecordsSkipped(DataflowError):
    """Records were not handed out: a bug of ours."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How partitions of this worker's group are recovered."""

    siblings: SiblingGroups
    topology: Topology
    producer: ManagedProducer
    options: EngineOptions
    local: LocalStore
    pauses: StreamPauses
    held_up: HeldUpChangelogs

    async def recover(
        self, group: Group, tps: Collection[TP], retained: Positions
    ) -> dict[TP, tuple[int, PartitionState]]:
        """Return position and state of each partition, after every open transaction on it has ended.

        Those whose changelogs a transaction holds up for too long, or a broker, are left out, and noted.

        What was retained is right if the committed offset is still where we left it: tables and
        offsets move in one transaction. The rest is read from the changelogs.
        """
        committed = await self._committed(tps)
        await self.siblings.check_unless_ours(committed)
        current = {tp: state for tp, (at, state) in retained.items() if committed.get(tp) == at}
        states = current | await self._restored([TopicPartition(*tp) for tp in tps if tp not in current])
        others = await self._compare_ids(states)
        self._rewind(states)
        self._check_counted(committed, states)
        log.info("Partitions are recovered.", partitions=len(states), retained=len(current))
        committed |= dict.fromkeys(await self.siblings.adopt(states))
        positions = self._positions(states.keys() - others, committed, states)
        positions |= await self._truncated(committed, positions, states)
        if fresh := states.keys() - positions.keys():
            positions |= await group.earliest_offsets(*fresh)
        return {tp: (positions[tp], state) for tp, state in states.items()}

    async def _restored(self, tps: Collection[TopicPartition]) -> dict[TP, PartitionState]:
        """Return the states of those of these partitions that can be restored now."""
        states, held_up = await restore(
            tps,
            self.topology.changelogs,
            lambda topic: self.topology.sources[topic].tables,
            self.options.connection,
            self._evict,
            self.local,
        )
        self.held_up.note(held_up)
        return {TP(*tp): state for tp, state in states.items()}

    async def _compare_ids(self, states: Mapping[TP, PartitionState]) -> set[TP]:
        """Return the partitions whose source is not the topic that was counted."""
        changelogs = {tp.topic: self.topology.changelogs[tp.topic] for tp in states}
        ids = await topic_ids(self.producer.current.client, {*changelogs, *changelogs.values()})
        for tp, state in states.items():
            check_changelog(state, changelogs[tp.topic], ids)
        return {
            tp
            for tp, state in states.items()
            if not check_source(TopicPartition(*tp), state, ids, self.pauses)
        }

    async def _truncated(
        self,
        committed: Mapping[TP, int | None],
        positions: Mapping[TP, int],
        states: Mapping[TP, PartitionState],
    ) -> dict[TP, int]:
        """Return where partitions are to be read on that have lost some of what is committed; pause these."""
        read = {tp: at for tp, at in positions.items() if at == committed.get(tp)}
        ends = await find_truncated(self.producer.current.client, self.siblings.group_id, read, states)
        for tp, end in ends.items():
            pause_truncated(tp, read[tp], end, self.pauses)
        return ends

    def _check_counted(self, committed: Mapping[TP, int | None], states: Mapping[TP, PartitionState]) -> None:
        """Suspend tables of which something was counted once, and the changelog knows nothing.

        So it was also where the source has nothing left of it.
        """
        for tp, state in states.items():
            if state.position is None and (at := committed[tp]):
                state.suspend(
                    f"changelog {self.topology.sources[tp.topic].changelog}/{tp.partition} is empty, though "
                    f"offset {at} is committed: it was deleted, or emptied"
                )
        for tp, state in states.items():
            for name, suspension in state.suspended.items():
                log.error(
                    "Table is suspended, its stream goes on.",
                    table=name,
                    topic=tp.topic,
                    partition=tp.partition,
                    reason=suspension.reason,
                )

    def _rewind(self, states: Mapping[TP, PartitionState]) -> None:
        """Take event time back where it is ahead of the clock: windows stayed shut otherwise."""
        for tp, state in states.items():
            if ahead_ms := state.rewind(now_ms()):
                log.warning(
                    "Event time was ahead of the clock of this machine; it goes on from now.",
                    topic=tp.topic,
                    partition=tp.partition,
                    ahead_seconds=ahead_ms // 1000,
                )

    async def _committed(self, tps: Collection[TP]) -> dict[TP, int | None]:
        """Return committed offsets; None where there is none."""
        if not tps:
            return {}
        client, kafka_tps = self.producer.current.client, [TopicPartition(*tp) for tp in tps]
        try:
            offsets = await stable_offsets(client, self.siblings.group_id, kafka_tps, UNSTABLE_SECONDS)
        except UnstableOffsetCommit:
            await self._evict(kafka_tps)
            offsets = await stable_offsets(client, self.siblings.group_id, kafka_tps, STABLE_SECONDS)
        return {tp: at if (at := offsets[TopicPartition(*tp)]) >= 0 else None for tp in tps}

    async def _evict(self, tps: Collection[TopicPartition]) -> None:
        """End the transaction of who committed these partitions last: it is dead, or no member any more."""
        ids = await last_committers(self.producer.current.client, self.siblings.group_id, tps)
        for transactional_id in ids - {"", self.producer.transactional_id}:
            await self.producer.end_transaction_of(transactional_id)

    def _positions(
        self, tps: Iterable[TP], committed: Mapping[TP, int | None], states: Mapping[TP, PartitionState]
    ) -> dict[TP, int]:
        """Return where to read on, where anything was read."""
        known = {tp: self._position(tp, committed[tp], states[tp]) for tp in tps}
        return {tp: at for tp, at in known.items() if at is not None}

    def _position(self, tp: TP, committed: int | None, state: PartitionState) -> int | None:
        """Return where to read on, None for the beginning; pause streams whose offsets do not fit."""
        counted = state.position
        if counted is None:
            return committed
        if committed is None or committed == counted:
            return counted  # without an offset (it expires) the changelog still knows
        state.must_commit = True
        self.pauses.begin(
            tp.topic,
            PauseCause.OFFSET_MOVED,
            f"committed offset of {tp.topic}/{tp.partition} is {committed}; expected {counted}, up to which "
            "its tables have counted. It was moved by hand, or the changelog has lost its last records",
            f"`dataflow streams resume {tp.topic}`, to go on at offset {counted} and count each record once",
        )
        return counted


async def check_offset_gap(group: Group, partition: Partition, fetched: Fetched) -> None:
    """Log which records the broker no longer had.

    Raises `OffsetsWentBack` for a topic that begins anew, and `RecordsSkipped` if the broker still has
    what is missing.
    """
    missing, tp = fetched.first - partition.delivered, partition.tp
    if not missing:
        return
    gap = f"{tp.topic}/{tp.partition} goes on at offset {fetched.first}; expected {partition.delivered}"
    if missing < 0:
        raise OffsetsWentBack(
            f"{gap}. Its broker has lost records (a disk, or unclean.leader.election.enable), or the topic "
            "was deleted and created again on a broker without topic ids",
            fetched.first,
        )
    earliest = (await group.earliest_offsets(TP(*tp)))[TP(*tp)]
    if earliest <= partition.delivered:
        raise RecordsSkipped(f"{gap}, which the broker still has")
    LOST_RECORDS.labels(tp.topic).inc(missing)
    log.error(
        "Records were deleted before they were read (retention).",
        topic=tp.topic,
        partition=tp.partition,
        first_offset=partition.delivered,
        last_offset=fetched.first - 1,
    )
