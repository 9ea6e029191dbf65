"""A batch: the next records of one partition in; rows, drops and dead letters out, all finished together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from itertools import compress
from types import TracebackType
from typing import Protocol, Self, TypeVar

import faust
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from faust.types import StreamT

from dataflow.engine.column_batch import VALUE, ColumnBatch, TimestampRun
from dataflow.engine.dead_letters import RejectedRecord
from dataflow.engine.decoding import DECODING_ERRORS
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.event_time import EventTime
from dataflow.engine.filter_stage import FilterStage, Verdict
from dataflow.engine.parse_stage import ParseStage
from dataflow.engine.splice import Added
from dataflow.engine.tables.table import WindowedTable
from dataflow.errors import DataflowError, InvalidEvent, Reason
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.record_batches import Outgoing

E = TypeVar("E")
M = TypeVar("M")
R = TypeVar("R", bound=faust.Record)

EVENT_FAULTS = (*DECODING_ERRORS, InvalidEvent)

Records = list[DefaultRecord]
Fault = Callable[[Exception, bytes | None], InvalidEvent]
Work = Callable[[Iterable[DefaultRecord]], int]
"""Goes through records that one producer wrote together, and returns how many they were."""

current_batch: ContextVar["Batch | None"] = ContextVar("current_batch", default=None)
"""The batch in whose `async with` the running code is; None outside."""


class UnaccountedEvents(DataflowError):
    """An agent has not dealt with every event of its batches, in order: a bug in the agent."""


class Owner(Protocol):
    """What a batch needs of the partition that it belongs to."""

    @property
    def tp(self) -> TopicPartition:
        """The partition's topic and number."""

    @property
    def max_message_bytes(self) -> int:
        """How large a record of an output may be."""

    def enter(self, batch: "Batch") -> None:
        """Note that an agent begins with this batch."""

    def leave(self, batch: "Batch", error: BaseException | None) -> None:
        """Note that an agent has left this batch, with an error or without one."""


class Batch:
    """An agent's unit of work: `async with batch` finishes it when the block ends well, and only then.

    Whatever the block sends, counts, drops or rejects is committed together with the
    offsets of these records, or not at all.
    """

    def __init__(self, owner: Owner, event_time: EventTime | None, fetched: Fetched) -> None:
        self.tp = owner.tp
        self.first = fetched.first
        self.end = fetched.end
        self.size = fetched.size
        self.newest_ms = max((record_slice.newest_ms for record_slice in fetched.slices), default=0)
        self.is_finished = False
        self.event_counts = EventCounts()
        self.dead: list[RejectedRecord] = []
        self.outputs: list[Outgoing] = []
        self.folds: list[tuple[WindowedTable, ColumnBatch]] = []
        self._owner = owner
        self._event_time = event_time
        self._slices = fetched.slices
        self._rows: list[ColumnBatch] = []
        self._sends: list[tuple[str, ColumnBatch, Callable[..., bytes] | None]] = []

    def __repr__(self) -> str:
        return f"<Batch {self.tp.topic}/{self.tp.partition} offsets {self.first} to {self.end}>"

    async def __aenter__(self) -> Self:
        self._owner.enter(self)
        self._token = current_batch.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        current_batch.reset(self._token)
        self._owner.leave(self, error)

    # -- what becomes of its events

    def enrich(self, stage: EnrichStage[R]) -> ColumnBatch:
        """Add what the stage returns to every event; what came in goes out byte for byte.

        An event that the stage cannot use becomes a dead letter.
        """
        records: list[DefaultRecord] = []
        events: list[R] = []
        added: list[Added] = []

        def take(some: Records) -> tuple[Records, list[R], list[Added]]:
            return some, *stage.read_all(list(map(VALUE, some)))

        def work(source: Iterable[DefaultRecord]) -> int:
            every = list(source)
            for kept, read, made in self._made(every, take, stage.name, stage.decoder.fault):
                records.extend(kept)
                events.extend(read)
                added.extend(made)
            return len(every)

        timestamp_runs = self._go_through(work, records)
        has_some_already = any(map(stage.decoder.already_there, events))
        return self._keep(
            ColumnBatch(
                records,
                events,
                lambda: stage.join_all(list(map(VALUE, records)), added, has_some_already),
                timestamp_runs,
                self._event_time,
                added,
                stage.adds,
            )
        )

    def filter(self, stage: FilterStage[E]) -> ColumnBatch:
        """Keep the events that every rule lets pass, byte for byte; count the dropped by rule."""
        records: list[DefaultRecord] = []
        events: list[E] = []
        values: list[bytes] = []
        routes: list[tuple[str, ...]] = []

        def take(some: Records) -> tuple[Records, list[E], list[bytes], Sequence[Verdict]]:
            raws = list(map(VALUE, some))
            verdicts = stage.judge(raws)
            passes = [type(verdict) is not str for verdict in verdicts]
            kept = list(compress(raws, passes))
            return list(compress(some, passes)), list(map(stage.read, kept)), kept, verdicts

        def work(source: Iterable[DefaultRecord]) -> int:
            every = list(source)
            for kept, read, raws, verdicts in self._made(every, take, stage.name, stage.fault):
                records.extend(kept)
                events.extend(read)
                values.extend(raws)
                if len(kept) < len(verdicts):
                    self.event_counts.dropped.update(verdict for verdict in verdicts if type(verdict) is str)
                routes.extend(verdict for verdict in verdicts if type(verdict) is tuple)
            return len(every)

        timestamp_runs = self._go_through(work, records)
        rows = ColumnBatch(records, events, lambda: values, timestamp_runs, self._event_time)
        rows.routes, rows.header = routes, stage.header
        return self._keep(rows)

    def parse(self, stage: ParseStage[E]) -> ColumnBatch:
        """Put another value in the place of every event; what cannot be parsed becomes a dead letter."""
        read, name = stage.read, stage.name
        records: list[DefaultRecord] = []
        events: list[E] = []
        values: list[bytes] = []

        def work(source: Iterable[DefaultRecord]) -> int:
            number = 0
            for number, record in enumerate(source, start=1):  # noqa: B007 - counts, also what is rejected
                raw = record.value
                try:  # costs nothing here, and a line that cannot be parsed only itself
                    event, value = read(raw)
                except EVENT_FAULTS as error:
                    self.reject(record, name, stage.fault(error, raw))
                else:
                    records.append(record)
                    events.append(event)
                    values.append(value)
            return number

        timestamp_runs = self._go_through(work, records)
        return self._keep(ColumnBatch(records, events, lambda: values, timestamp_runs, self._event_time))

    def take(self, read: Callable[[DefaultRecord], E]) -> ColumnBatch:
        """Take every record with its headers, for tables alone; `read` is one that never fails."""
        records: list[DefaultRecord] = []

        def work(source: Iterable[DefaultRecord]) -> int:
            before = len(records)
            records.extend(source)
            return len(records) - before

        timestamp_runs = self._go_through(work, records)
        return self._keep(
            ColumnBatch(records, list(map(read, records)), list, timestamp_runs, self._event_time)
        )

    def reject(self, record: DefaultRecord, stage: str, fault: InvalidEvent) -> None:
        """Send this record to the dead letters."""
        self.dead.append(RejectedRecord(record, stage, fault))
        self.event_counts.dead_lettered[fault.reason] += 1

    def send(self, topic: str, rows: ColumnBatch, encode: Callable[..., bytes] | None = None) -> None:
        """Write these rows to the same partition of `topic`, with the checkpoint of this batch."""
        self._sends.append((topic, rows, encode))
        rows.is_sent = True

    def route(self, rows: ColumnBatch, otherwise: str) -> None:
        """Write each row to the topics that its filter has chosen, or all to `otherwise` if it chose none."""
        for topic in sorted({topic for route in set(rows.routes) for topic in route}) or [otherwise]:
            self.send(topic, rows)

    def fold(self, table: WindowedTable, rows: ColumnBatch) -> None:
        """Count these rows in `table`, once the batch is finished."""
        self.folds.append((table, rows))
        rows.is_sent = True

    # -- when the agent has left it

    def finish(self) -> list[Outgoing]:
        """Return what goes out; dead letters for what is too large.

        Raises `UnaccountedEvents` if an event has ended nowhere.
        """
        for topic, rows, encode in self._sends:
            while (index := rows.oversized(encode, self._owner.max_message_bytes)) is not None:
                detail = f"output to {topic} is too large; expected {self._owner.max_message_bytes} bytes"
                self.reject(rows.remove(index), "output", InvalidEvent(Reason.TOO_LARGE, detail))
        self.event_counts.sent += sum(len(rows) for rows in self._rows if rows.is_sent)
        if self._slices or not self.event_counts.is_balanced:
            unread = " and unread records" if self._slices else ""
            raise UnaccountedEvents(
                f"{self!r} has {self.event_counts.as_mapping()}{unread}; "
                "expected its agent to read all, and to send, count, drop or reject every event"
            )
        return [rows.outgoing(topic, encode) for topic, rows, encode in self._sends]

    def _made(self, records: Records, take: Callable[[Records], M], stage: str, fault: Fault) -> Iterator[M]:
        """Yield what `take` makes of records; those that it cannot use are found by halves, and rejected."""
        try:
            made = take(records)
        except EVENT_FAULTS as error:
            half = len(records) // 2
            if half:
                yield from self._made(records[:half], take, stage, fault)
                yield from self._made(records[half:], take, stage, fault)
            else:
                self.reject(records[0], stage, fault(error, records[0].value))
        else:
            yield made

    def _go_through(self, work: Work, kept: list[DefaultRecord]) -> list[TimestampRun]:
        timestamp_runs = []
        while self._slices:  # let go one by one: only one is unpacked at a time
            record_slice = self._slices.pop(0)
            self.event_counts.received += work(record_slice.records)
            timestamp_runs.append(TimestampRun(len(kept), record_slice.newest_ms))
        return timestamp_runs

    def _keep(self, rows: ColumnBatch) -> ColumnBatch:
        self._rows.append(rows)
        return rows


Batches = StreamT[Batch]
"""What an agent on a batch topic iterates over."""
