"""A batch: the next records of one partition, which an agent deals with and finishes all together."""

from collections.abc import AsyncIterable, AsyncIterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self, TypeVar, cast

from faust.types import StreamT

from dataflow.engine.column_batch import ColumnBatch, Encode, check_columns, record_time
from dataflow.engine.dead_letters import RejectedRecord
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.event_time import EventTime
from dataflow.engine.loop_turns import LoopTurns
from dataflow.engine.stage import Stage
from dataflow.engine.tables.table import WindowedTable
from dataflow.errors import DataflowError, InvalidEvent, Misconfigured, Reason
from dataflow.kafka.fetch import Fetched
from dataflow.kafka.packed_batch import UnreadRecord
from dataflow.kafka.record import Outgoing, Record
from dataflow.kafka.types import TopicPartition

E = TypeVar("E")

Rows = ColumnBatch[Any]  # of whatever type the events of a stage have

current_batch: ContextVar["Batch | None"] = ContextVar("current_batch", default=None)
"""The batch in whose `async with` the running code is; None outside."""


class UnaccountedEvents(DataflowError):
    """An agent has not dealt with every event of its batches, in order: a bug in the agent."""


class Owner(Protocol):
    """What a batch needs of the partition that it belongs to."""

    @property
    def tp(self) -> TopicPartition:
        """The partition's topic and number."""

    def accepted_bytes(self, topic: str) -> int:
        """Return how large a record of an output may be."""

    def enter(self, batch: "Batch") -> None:
        """Note that an agent begins with this batch."""

    def leave(self, batch: "Batch", error: BaseException | None) -> None:
        """Note that an agent has left this batch, with an error or without one."""


class Batch:
    """An agent's unit of work: `async with batch` finishes it when the block ends well, and only then.

    Whatever the block sends, counts, drops or rejects is committed together with the
    offsets of these records, or not at all.
    """

    def __init__(self, owner: Owner, event_time: EventTime | None, fetched: Fetched, now_ms: int) -> None:
        self.tp = owner.tp
        self.first = fetched.first
        self.end = fetched.end
        self.size = fetched.size
        self.last_epoch = fetched.last_epoch
        self.newest_ms = max((record_time(part.newest_ms, now_ms) for part in fetched.slices), default=0)
        self.is_entered = False
        self.is_finished = False
        self.event_counts = EventCounts()
        self.dead: list[RejectedRecord] = []
        self.outputs: list[Outgoing] = []
        self.folds: list[tuple[WindowedTable, Rows]] = []
        self._owner = owner
        self._event_time = event_time
        self._now_ms = now_ms
        self._slices = fetched.slices
        self._rows: list[Rows] = []
        self._sends: list[tuple[str, Rows, Encode[Any] | None]] = []

    def __repr__(self) -> str:
        return f"<Batch {self.tp.topic}/{self.tp.partition} offsets {self.first} to {self.end}>"

    async def __aenter__(self) -> Self:
        self.is_entered = True
        self._owner.enter(self)
        self._token = current_batch.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        current_batch.reset(self._token)
        self._owner.leave(self, error)

    # -- what becomes of its events

    def apply(self, stage: Stage[E]) -> ColumnBatch[E]:
        """Return the events that the stage lets go on; count those that it drops or rejects.

        What it cannot use becomes a dead letter.
        """
        rows = ColumnBatch[E](self._event_time, stage.columns)
        while self._slices:  # let go one by one: only one is unpacked at a time
            record_slice = self._slices.pop(0)
            records = list(record_slice.records)
            self.event_counts.received += len(records)
            if records and isinstance(records[0], UnreadRecord):  # of one record batch, so all are or none
                rows.rejected += [(unread, unread.fault) for unread in cast("list[UnreadRecord]", records)]
            else:
                stage.apply(records, rows)
            newest_ms = record_slice.newest_ms
            rows.end_run(newest_ms, record_time(newest_ms, self._now_ms))
        self.event_counts.dropped.update(rows.dropped)
        for record, fault in rows.rejected:
            self.reject(record, stage.name, fault)
        self._rows.append(rows)
        return rows

    def reject(self, record: Record, stage: str, fault: InvalidEvent) -> None:
        """Send this record to the dead letters."""
        self.dead.append(RejectedRecord(record, stage, fault))
        self.event_counts.dead_lettered[fault.reason] += 1

    def send(self, topic: str, rows: ColumnBatch[E], encode: Encode[E] | None = None) -> None:
        """Write these rows to the same partition of `topic`, with the checkpoint of this batch."""
        self._sends.append((topic, rows, encode))
        rows.is_sent = True

    def route(self, rows: Rows, otherwise: str) -> None:
        """Write each row to the topics of its filter's verdict, or all to `otherwise` if it names none."""
        for topic in sorted({topic for route in set(rows.routes) for topic in route}) or [otherwise]:
            self.send(topic, rows)

    def fold(self, table: WindowedTable, rows: Rows) -> None:
        """Count these rows in `table`, once the batch is finished.

        Raises `Misconfigured` if they lack a column that the table reads.
        """
        check_columns(f"table {table.name}", table.columns, rows.columns)
        self.folds.append((table, rows))
        rows.is_sent = True

    # -- when the agent has left it

    def finish(self) -> list[Outgoing]:
        """Return what goes out; dead letters for what is too large.

        Raises `UnaccountedEvents` if an event has ended nowhere.
        """
        for topic, rows, encode in self._sends:
            accepted_bytes = self._owner.accepted_bytes(topic)
            while (index := rows.oversized(encode, accepted_bytes)) is not None:
                detail = f"output to {topic} is too large; expected {accepted_bytes} bytes at most"
                self.reject(rows.remove(index), "output", InvalidEvent(Reason.TOO_LARGE, detail))
        self.event_counts.sent += sum(len(rows) for rows in self._rows if rows.is_sent)
        if self._slices or not self.event_counts.is_balanced:
            unread = " and unread records" if self._slices else ""
            raise UnaccountedEvents(
                f"{self!r} has {self.event_counts.as_mapping()}{unread}; "
                "expected its agent to read all, and to send, count, drop or reject every event"
            )
        return [rows.outgoing(topic, encode) for topic, rows, encode in self._sends]


Batches = StreamT[Batch]
"""What an agent on a batch topic iterates over."""


class BatchStream(AsyncIterator[Batch]):
    """Hands an agent one batch after the other; refuses an agent that is written for single events."""

    def __init__(self, agent: str, batches: AsyncIterable[Batch], turns: LoopTurns | None = None) -> None:
        """Take the turns of a worker's agents: those of several partitions would hold the loop together."""
        self._agent = agent
        self._batches = batches
        self._turns = turns or LoopTurns()
        self._batch: Batch | None = None

    def __aiter__(self) -> Self:
        self._iterator = aiter(self._batches)
        return self

    async def __anext__(self) -> Batch:
        if self._batch is not None and not self._batch.is_entered:
            raise UnaccountedEvents(
                f"agent {self._agent} asks for more before it has entered {self._batch!r}; "
                "expected `async with batch:` around all that it does with one"
            )
        self._batch = await anext(self._iterator)
        await self._turns.take()
        return self._batch

    def __getattr__(self, name: str) -> NoReturn:
        raise Misconfigured(
            f"agent {self._agent} uses {name} of its stream; expected `async for batch in batches:`, "
            "as it reads a batch topic"
        )
