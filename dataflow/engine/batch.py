"""A batch: the next records of one partition in; rows, drops and dead letters out, all finished together."""

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import faust
import msgspec
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from faust.types import StreamT

from dataflow.engine.balance import Balance
from dataflow.engine.dead_letters import DeadLetter
from dataflow.engine.enrichment import Enrichment
from dataflow.engine.fetch import Fetched
from dataflow.engine.filtering import Filtering
from dataflow.engine.rows import Rows, Stretch
from dataflow.engine.tables.table import WindowedTable
from dataflow.errors import DataflowError, InvalidEvent, Reason

if TYPE_CHECKING:
    from dataflow.engine.partition import Partition
    from dataflow.engine.topic import BatchTopic

E = TypeVar("E")
R = TypeVar("R", bound=faust.Record)

ROOM_FOR_FIELDS = 16 << 10  # bytes that a stage may add to an event, and the record around it
EVENT_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidEvent)

current_batch: ContextVar["Batch | None"] = ContextVar("current_batch", default=None)
"""The batch in whose `async with` the running code is; None outside."""


class UnevenBatch(DataflowError):
    """An agent has left a batch with events that ended nowhere: a bug in the agent."""


class Batch:
    """An agent's unit of work: `async with batch` finishes it when the block ends well, and only then.

    Whatever the block sends, counts, drops or rejects is committed together with the
    offsets of these records, or not at all.
    """

    def __init__(self, topic: "BatchTopic", partition: "Partition", fetched: Fetched) -> None:
        self.topic = topic
        self.tp: TopicPartition = partition.tp
        self.first = fetched.first
        self.end = fetched.end
        self.size = fetched.size
        self.finished = False
        self.balance = Balance()
        self.dead: list[DeadLetter] = []
        self.outputs: list[tuple[str, int, BatchBuilder]] = []
        self.folds: list[tuple[WindowedTable, Rows]] = []
        self.newest_ms = max((piece.newest_ms for piece in fetched.pieces), default=0)
        self._partition = partition
        self._pieces = fetched.pieces
        self._rows: list[Rows] = []

    async def __aenter__(self) -> Self:
        self._partition.in_hand += 1
        self._token = current_batch.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        current_batch.reset(self._token)
        self._partition.in_hand -= 1
        self._partition.leave(self, error)

    def enrich(self, enrichment: Enrichment[R]) -> Rows:
        """Add what the stage returns to every event; what came in goes out byte for byte.

        An event that the stage cannot use becomes a dead letter.
        """
        decoder, stage, name = enrichment.decoder, enrichment.stage, enrichment.name
        decode, most = decoder.decode, self._most_bytes
        records, events, added, stretches, received = [], [], [], [], 0
        while self._pieces:  # let go one by one: only one is unpacked at a time
            piece = self._pieces.pop(0)
            for record in piece.records:
                received += 1
                raw = record.value
                try:
                    # msgspec does not look into strings that it skips
                    if raw is None or not raw.isascii() or len(raw) > most:
                        self._check(raw)
                    event = decode(raw)
                    fields = stage(event)
                except EVENT_FAULTS as error:
                    self.reject(record, name, decoder.fault(error, raw))
                else:
                    records.append(record)
                    events.append(event)
                    added.append(fields)
            stretches.append(Stretch(len(records), piece.newest_ms))
        self.balance.received += received
        join = enrichment.join(any(map(decoder.already_there, events)))
        return self._keep(
            Rows(
                records,
                events,
                lambda: [join(record.value, fields) for record, fields in zip(records, added, strict=True)],
                stretches,
                self.topic.event_time,
                added,
                enrichment.adds,
            )
        )

    def filter(self, filtering: Filtering[E]) -> Rows:
        """Keep the events that every rule lets pass, byte for byte; count the dropped by rule."""
        dropped_by, read, name = filtering.dropped_by, filtering.read, filtering.name
        records, events, stretches, received, most = [], [], [], 0, self._most_bytes
        while self._pieces:
            piece = self._pieces.pop(0)
            for record in piece.records:
                received += 1
                raw = record.value
                try:
                    if raw is None or not raw.isascii() or len(raw) > most:
                        self._check(raw)
                    rule = dropped_by(raw)
                    if rule is not None:
                        self.balance.dropped[rule] += 1
                        continue
                    event = read(raw)
                except EVENT_FAULTS as error:
                    self.reject(record, name, filtering.fault(error, raw))
                else:
                    records.append(record)
                    events.append(event)
            stretches.append(Stretch(len(records), piece.newest_ms))
        self.balance.received += received
        return self._keep(
            Rows(
                records,
                events,
                lambda: [record.value for record in records],
                stretches,
                self.topic.event_time,
            )
        )

    def reject(self, record: DefaultRecord, stage: str, fault: InvalidEvent) -> None:
        """Send this record to the dead letters."""
        self.dead.append(DeadLetter(record, stage, fault))
        self.balance.dead_lettered[fault.reason] += 1

    def send(self, topic: str, rows: Rows, encode: Callable[..., bytes] | None = None) -> None:
        """Write these rows to the same partition of `topic`, with the checkpoint of this batch."""
        records = rows.output() if encode is None else rows.encoded(encode)
        number = self.tp.partition % self._partition.partitions_of(topic)
        packed = self._partition.record_batches.pack(records, self.size)
        self.outputs += [(topic, number, builder) for builder in packed]
        rows.settled = True

    def fold(self, table: WindowedTable, rows: Rows) -> None:
        """Count these rows in `table`, once the batch is finished."""
        self.folds.append((table, rows))
        rows.settled = True

    def settle(self) -> None:
        """Count what was sent; raise `UnevenBatch` if an event has ended nowhere."""
        self.balance.sent += sum(len(rows) for rows in self._rows if rows.settled)
        if self._pieces or not self.balance.is_even:
            raise UnevenBatch(
                f"batch {self.first} to {self.end} of {self.tp.topic}/{self.tp.partition} has "
                f"{self.balance.as_mapping()}{' and unread records' if self._pieces else ''}; expected its "
                "agent to read all, and to send, count, drop or reject every event"
            )

    @property
    def _most_bytes(self) -> int:
        return self._partition.max_message_bytes - ROOM_FOR_FIELDS

    def _keep(self, rows: Rows) -> Rows:
        self._rows.append(rows)
        return rows

    def _check(self, raw: bytes | None) -> None:
        if raw is None:
            raise InvalidEvent(Reason.EMPTY, "value is null; expected a JSON object")
        raw.decode()
        if len(raw) > self._most_bytes:
            raise InvalidEvent(
                Reason.TOO_LARGE, f"value has {len(raw)} bytes; expected at most {self._most_bytes}"
            )


Batches = StreamT[Batch]
"""What an agent on a batch topic iterates over."""
