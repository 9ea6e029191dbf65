"""A source partition while it is ours: batches in order in, what the next checkpoint must write out."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import msgspec
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from dataflow.engine.batch import Batch, UnaccountedEvents
from dataflow.engine.column_batch import later
from dataflow.engine.dead_letters import DeadLetterLimit, as_records
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.fetch import Fetched
from dataflow.engine.options import EngineOptions
from dataflow.engine.output import Outgoing, RecordBatches
from dataflow.engine.producer import BATCH_BYTES
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.engine.topic import BatchTopic

MOST_WAITING = 64
Output = tuple[str, int, BatchBuilder]
"""Topic, partition, record batch."""

PARTITION_KEY = b"|partition"
"""Changelog key of a partition's own numbers; table entries begin with the table's name."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What one checkpoint writes for one partition: all of it behind `position`."""

    position: int
    size: int
    records: int
    outputs: list[Output]
    changes: list[tuple[bytes, bytes | None]]


@dataclass(slots=True)
class State:
    """What is kept of a partition in its changelog: counted events, tables, newest record timestamp."""

    table_partitions: dict[str, TablePartition]
    event_counts: EventCounts
    stream_time_ms: int = 0
    position: int | None = None
    """End of what is counted; None: nothing yet."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a partition needs of its worker."""

    options: EngineOptions
    record_batches: RecordBatches
    partitions_of: Callable[[str], int]
    on_finished: Callable[[], None]
    on_bug: Callable[[BaseException], None]
    """Takes what must stop the worker."""


class Partition:
    """Where one source partition stands.

    An error or a rebalance drops the object; whoever still holds a batch of it writes
    into the void.
    """

    def __init__(self, tp: TopicPartition, position: int, state: State, around: Surroundings) -> None:
        options = around.options
        self.tp = tp
        self.state = state
        self.position = self.committed = position  # end of the finished prefix
        self.delivered = position  # end of what was handed out
        self.in_hand = 0  # batches that an agent has entered and not left
        self.in_flight_bytes = 0  # handed out and not committed
        self.records = 0  # finished since the last checkpoint
        self.last_record_ms = 0
        self.is_ours = True
        self.max_message_bytes = options.max_message_bytes
        self._around = around
        self._size = 0
        self._gathered: dict[str, list[Outgoing]] = {}  # by topic, not yet packed
        self._packed: list[Output] = []
        self._waiting: deque[Batch] = deque()  # handed out, in order; the first is unfinished
        self._limit = DeadLetterLimit(
            options.dead_letter_max_consecutive,
            options.dead_letter_max_ratio,
            options.dead_letter_ratio_window,
        )

    def deliver(self, topic: BatchTopic, fetched: Fetched) -> Batch | None:
        """Take what was fetched next; None when no agent has to see it (control records only)."""
        batch = Batch(topic, self, fetched)
        self.delivered = batch.end
        self.in_flight_bytes += batch.size
        self._waiting.append(batch)
        if fetched.slices:
            return batch
        batch.is_finished = True
        self._advance()
        return None

    @property
    def can_accept(self) -> bool:
        """Tell whether its agent may be handed more batches: few wait, however small they are."""
        return len(self._waiting) < MOST_WAITING

    def enter(self, batch: Batch) -> None:
        """Note that an agent begins with a batch: with the first that is not finished."""
        self.in_hand += 1
        expected = next((other for other in self._waiting if not other.is_finished), batch)
        if self.is_ours and batch is not expected:
            error = UnaccountedEvents(f"{batch!r} is entered; expected {expected!r} to be finished before")
            self._around.on_bug(error)
            raise error

    def leave(self, batch: Batch, error: BaseException | None) -> None:
        """Note that an agent has left a batch; an error leaves it unfinished, so never committed."""
        self.in_hand -= 1
        if not self.is_ours:
            return  # given up meanwhile: whoever has the partition now reads the batch again
        try:
            if error is not None:
                raise error
            self._finish(batch)
        except BaseException as raised:
            self._around.on_bug(raised)
            if error is None:
                raise
        else:
            self._around.on_finished()

    def _finish(self, batch: Batch) -> None:
        batch.outputs = batch.settle()
        self._limit.check(
            self.tp, batch.event_counts.received, batch.dead, len(batch.dead) == batch.event_counts.received
        )
        if batch.dead:
            raw_bytes = sum(len(letter.record.value or b"") for letter in batch.dead)
            topic = self._around.options.dead_letter_topic
            batch.outputs.append(Outgoing(topic, as_records(self.tp, batch.dead), raw_bytes))
        grown = sum(outgoing.size for outgoing in batch.outputs) - batch.size
        if grown > 0:  # what was packed small, or grew: the bound is on memory
            batch.size += grown
            self.in_flight_bytes += grown
        batch.is_finished = True
        self._advance()

    def _advance(self) -> None:
        """Fold the finished prefix: position, outputs, counts and tables move together."""
        while self._waiting and self._waiting[0].is_finished:
            batch = self._waiting.popleft()
            for rows in {id(rows): rows for _, rows in batch.folds}.values():
                rows.assign_event_times(self.state.stream_time_ms, self._around.options.future_ms)
            for table, rows in batch.folds:
                self.state.table_partitions[table.name].fold(rows)
            self.state.stream_time_ms = later(self.state.stream_time_ms, batch.newest_ms)
            self.state.event_counts.add(batch.event_counts)
            self.position = batch.end
            self.records += batch.event_counts.received
            self.last_record_ms = batch.newest_ms or self.last_record_ms
            self._size += batch.size
            for outgoing in batch.outputs:
                self._put(outgoing)

    def _put(self, outgoing: Outgoing) -> None:
        """Gather what small batches send: each record batch takes a round trip of its own."""
        gathered = self._gathered.setdefault(outgoing.topic, [])
        gathered.append(outgoing)
        if sum(few.size for few in gathered) >= BATCH_BYTES:
            self._pack(outgoing.topic)

    def _pack(self, topic: str) -> None:
        gathered = self._gathered.pop(topic)
        number = self.tp.partition % self._around.partitions_of(topic)
        records = chain.from_iterable(outgoing.records for outgoing in gathered)
        size = sum(outgoing.size for outgoing in gathered)
        packed = self._around.record_batches.pack(records, size + size // 8)
        self._packed += [(topic, number, builder) for builder in packed]

    @property
    def is_clean(self) -> bool:
        """Tell whether all that is finished is committed, and nothing is in an agent's hands."""
        return self.position == self.committed and not self.in_hand

    @property
    def finished_bytes(self) -> int:
        """Bytes that are finished and not yet in a checkpoint."""
        return self._size

    def cut(self) -> Cut:
        """Take what the checkpoint writes, and begin anew for what follows."""
        changes = [
            change
            for table_partition in self.state.table_partitions.values()
            for change in table_partition.cut()
        ]
        changes.append((PARTITION_KEY, encode_numbers(self.position, self.state)))
        self.state.position = self.position
        for topic in list(self._gathered):
            self._pack(topic)
        taken = Cut(self.position, self._size, self.records, self._packed, changes)
        self.records, self._size, self._packed = 0, 0, []
        return taken

    def committed_up_to(self, cut: Cut) -> None:
        """Note that a checkpoint has gone through."""
        self.committed = cut.position
        self.in_flight_bytes -= cut.size


def encode_numbers(position: int, state: State) -> bytes:
    """Return the changelog value of a partition's own numbers."""
    return msgspec.msgpack.encode([position, state.stream_time_ms, state.event_counts.as_mapping()])


def load_numbers(state: State, value: bytes) -> None:
    """Undo `encode_numbers`."""
    position, stream_time_ms, event_counts = msgspec.msgpack.decode(value)
    state.position, state.stream_time_ms = position, stream_time_ms
    state.event_counts = EventCounts.from_mapping(event_counts)


def new_state(table_partitions: Mapping[str, TablePartition]) -> State:
    """Return the state of a partition of which nothing is known."""
    return State(dict(table_partitions), EventCounts())
