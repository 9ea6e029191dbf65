"""Follows the batches of one source partition, and gathers what the next checkpoint writes."""

from collections import deque
from dataclasses import dataclass
from itertools import chain
from time import thread_time

from dataflow.engine.batch import Batch, UnaccountedEvents
from dataflow.engine.dead_letters import DeadLetterLimit, TooManyDeadLetters, as_records
from dataflow.engine.event_time import EventTime
from dataflow.engine.partition_context import PartitionContext
from dataflow.engine.pauses import Pause
from dataflow.engine.state import PARTITION_KEY, PartitionState, Suspension
from dataflow.engine.tables.changelog import ChangelogRecord
from dataflow.engine.tables.steps import Steps
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.leader_epochs import NO_EPOCH
from dataflow.kafka.producers import BATCH_BYTES
from dataflow.kafka.record import Outgoing
from dataflow.kafka.types import BatchBuilder, TopicPartition

MAX_UNFINISHED = 64
Output = tuple[str, int, BatchBuilder]
"""Topic, partition, record batch."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one checkpoint writes for one partition: all that is finished up to `position`."""

    position: int
    size: int
    records: int
    outputs: list[Output]
    changes: list[ChangelogRecord]
    record_ms: int = 0
    """Record timestamp of what was finished last; 0 for nothing yet."""
    leader_epoch: int = NO_EPOCH
    """Of the last record before `position`."""

    @property
    def partition_batches(self) -> int:
        """How many partitions of outputs and of the changelog it writes to."""
        return len({(topic, number) for topic, number, _ in self.outputs}) + 1


class Partition:
    """Where one source partition stands.

    An error, a rebalance or a pause closes the object: what an agent still does with one of its
    batches has no effect then.
    """

    _upkept_at = -1
    """Where it stood when its tables were last seen to."""

    def __init__(
        self, tp: TopicPartition, position: int, state: PartitionState, context: PartitionContext
    ) -> None:
        options = context.options
        self.tp = tp
        self.state = state
        self.position = self.committed = position  # end of the finished prefix
        if state.must_commit:
            self.committed = -1
        self.delivered = position  # end of what was handed out
        self.delivered_epoch = state.leader_epoch  # of the last record of it
        self.in_progress = 0  # batches that an agent has entered and not left
        self.in_flight_bytes = 0  # handed out and not committed
        self.records = 0  # finished since the last checkpoint
        self.finished_bytes = 0  # of these
        self.last_record_ms, self.committed_record_ms = 0, state.stream_time_ms  # 0: nothing yet
        self._entered_at = 0.0
        self.is_open = True
        self.must_write = state.position not in {None, position}  # before any record is finished
        self.is_held = False  # handed nothing more for a moment
        self.context = context
        self._changes: list[ChangelogRecord] = []
        self._buffered: dict[str, list[Outgoing]] = {}  # by topic, not yet packed
        self._packed: list[Output] = []
        self._unfinished: deque[Batch] = deque()  # handed out, in order; the first is unfinished
        self._limit = DeadLetterLimit(
            options.dead_letter_max_consecutive,
            options.dead_letter_max_ratio,
            options.dead_letter_ratio_window,
        )

    def deliver(self, event_time: EventTime | None, fetched: Fetched) -> Batch | None:
        """Take what was fetched next; None when no agent has to see it (control records only)."""
        batch = Batch(self, event_time, fetched, self.context.now_ms())
        self.delivered = batch.end
        self.delivered_epoch = fetched.last_epoch
        self.in_flight_bytes += batch.size
        self._unfinished.append(batch)
        self.context.backlog.batches += 1
        if fetched.slices:
            return batch
        batch.is_finished = True
        self._advance()
        self.context.on_finished()
        return None

    @property
    def can_accept(self) -> bool:
        """Tell whether its agent may be handed more batches: only a few may be unfinished, however small."""
        return len(self._unfinished) < MAX_UNFINISHED and self.pause is None and not self.is_held

    @property
    def can_write(self) -> bool:
        """Tell whether what is finished can be committed now."""
        return self.pause is None or self.pause.cause.lets_write

    @property
    def pause(self) -> Pause | None:
        """Why its stream pauses; None: it does not."""
        return self.context.pauses.get(self.tp.topic)

    def renewed(self, position: int | None = None) -> "Partition":
        """Return this partition as it is read again, all that is finished being committed.

        From there on, or from another position, as that of a topic that begins anew.
        """
        at = self.position if position is None else position
        return Partition(self.tp, at, self.state, self.context)

    def accepted_bytes(self, topic: str) -> int:
        """Return how large a record of an output may be."""
        return self.context.record_batches.accepted_bytes(topic)

    def enter(self, batch: Batch) -> None:
        """Note that an agent begins with a batch: with the first that is not finished."""
        self.in_progress += 1
        self._entered_at = thread_time()
        expected = next((other for other in self._unfinished if not other.is_finished), batch)
        if self.is_open and batch is not expected:
            error = UnaccountedEvents(f"{batch!r} is entered; expected {expected!r} to be finished before")
            self.context.on_bug(error)
            raise error

    def leave(self, batch: Batch, error: BaseException | None) -> None:
        """Note that an agent has left a batch; an error leaves it unfinished, so never committed."""
        self.in_progress -= 1
        if not self.is_open:
            return  # revoked or paused meanwhile: the batch is read again
        try:
            if error is not None:
                raise error
            self._finish(batch)
        except TooManyDeadLetters as refusal:
            self.let_go()
            self.context.pauses.refuse(self.tp, batch.end, refusal)
        except BaseException as raised:
            self.context.on_bug(raised)
            if error is None:
                raise
        else:
            received, seconds = batch.event_counts.received, thread_time() - self._entered_at
            self.context.batch_sizes.note(self.tp.topic, received, seconds)
            self.context.on_finished()

    def let_go(self) -> None:
        """Forget what is handed out and not finished: it is read again when the stream goes on."""
        self.is_open = False
        self.in_flight_bytes -= sum(batch.size for batch in self._unfinished)
        self.context.backlog.batches -= len(self._unfinished)
        self._unfinished.clear()

    def _finish(self, batch: Batch) -> None:
        batch.outputs = batch.finish()
        if not self.context.pauses.accepts(self.tp, batch.end):
            received = batch.event_counts.received
            self._limit.check(self.tp, received, batch.dead, len(batch.dead) == received)
        if batch.dead:
            raw_bytes = sum(len(letter.record.value or b"") for letter in batch.dead)
            letters = as_records(self.tp, batch.dead, self.context.record_batches.most_dead_bytes)
            batch.outputs.append(Outgoing(self.context.options.dead_letter_topic, letters, raw_bytes))
        grown = sum(outgoing.size for outgoing in batch.outputs) - batch.size
        if grown > 0:  # what was packed small, or grew: the bound is on memory
            batch.size += grown
            self.in_flight_bytes += grown
        batch.is_finished = True
        self._advance()

    def _advance(self) -> None:
        """Fold the finished prefix: position, outputs, counts and tables move together."""
        while self._unfinished and self._unfinished[0].is_finished:
            batch = self._unfinished.popleft()
            for rows in {id(rows): rows for _, rows in batch.folds}.values():
                rows.assign_event_times(self.state.stream_time_ms, self.context.options.future_ms)
            for table, rows in batch.folds:
                table_partition = self.state.table_partitions.get(table.name)
                if table_partition is not None:  # else it is suspended
                    table_partition.fold(rows)
            self.state.stream_time_ms = max(self.state.stream_time_ms, batch.newest_ms)
            self.state.event_counts.add(batch.event_counts)
            self.position = batch.end
            if batch.last_epoch != NO_EPOCH:
                self.state.leader_epoch = batch.last_epoch
            self.records += batch.event_counts.received
            self.last_record_ms = batch.newest_ms or self.last_record_ms
            self.finished_bytes += batch.size
            self.context.backlog.batches -= 1
            self.context.backlog.records += batch.event_counts.received
            self.context.backlog.size += batch.size
            for outgoing in batch.outputs:
                self._put(outgoing)

    def _put(self, outgoing: Outgoing) -> None:
        """Gather what small batches send: each record batch takes a round trip of its own."""
        buffered = self._buffered.setdefault(outgoing.topic, [])
        buffered.append(outgoing)
        if sum(each.size for each in buffered) >= BATCH_BYTES:
            self._pack(outgoing.topic)

    def _pack(self, topic: str) -> None:
        self.context.on_output(self.tp.topic, topic)
        buffered = self._buffered.pop(topic)
        number = self.tp.partition % self.context.partitions_of(topic)
        records = chain.from_iterable(outgoing.records for outgoing in buffered)
        size = sum(outgoing.size for outgoing in buffered)
        packed = self.context.record_batches.pack_for(topic, records, size + size // 8)
        self._packed += [(topic, number, builder) for builder in packed]

    @property
    def is_clean(self) -> bool:
        """Tell whether all that is finished is committed, and nothing is in an agent's hands."""
        return self.position == self.committed and not self.in_progress and not self.must_write

    def suspend(self, table: str, suspension: Suspension) -> None:
        """Count no more in a table."""
        self.state.table_partitions.pop(table, None)
        self.state.suspended[table] = suspension
        self.must_write = True

    def write(self, changes: list[ChangelogRecord]) -> None:
        """Write records of a suspended table with the next checkpoint."""
        self._changes += changes
        self.must_write = True

    def adopt(self, table_partition: TablePartition, changes: list[ChangelogRecord]) -> None:
        """Go on with a table that has counted up to the position; `changes` are not written yet."""
        name = table_partition.table.name
        self.state.suspended.pop(name, None)
        self.state.table_partitions[name] = table_partition
        self.write(changes)

    def snapshot(self) -> Snapshot:
        """Return what the checkpoint writes, and gather what follows for the next one."""
        changes, self._changes = self._changes, []
        changes += [
            change
            for table_partition in self.state.table_partitions.values()
            for change in table_partition.snapshot(self.context.changelog_format, is_upkept=True)
        ]
        numbers = self.state.encode_numbers(self.position, self.context.changelog_format)
        changes.append((PARTITION_KEY, numbers))
        self.state.position = self.position
        for topic in list(self._buffered):
            self._pack(topic)
        self.must_write = False
        place = self.position, self.finished_bytes, self.records
        snapshot = Snapshot(*place, self._packed, changes, self.last_record_ms, self.state.leader_epoch)
        self.context.backlog.records -= self.records
        self.context.backlog.size -= self.finished_bytes
        self.records, self.finished_bytes, self._packed = 0, 0, []
        return snapshot

    def upkeep(self) -> Steps[None]:
        """Keep the windows of its tables small, in steps between which batches come."""
        if self._upkept_at != self.position:
            self._upkept_at = self.position
            for name, table_partition in list(self.state.table_partitions.items()):
                for _ in table_partition.upkeep():
                    yield
                    if not self.is_open or self.state.table_partitions.get(name) is not table_partition:
                        break  # another has its place, and its chunks

    def on_committed(self, snapshot: Snapshot, changelog_end: int | None = None) -> None:
        """Note that the checkpoint with this snapshot is committed, and where the changelog ended then."""
        self.state.keep(snapshot.changes, changelog_end)
        self.committed, self.state.must_commit = snapshot.position, False
        self.committed_record_ms = snapshot.record_ms or self.committed_record_ms
        self.in_flight_bytes -= snapshot.size
