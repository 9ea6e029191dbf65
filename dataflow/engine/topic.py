"""What agents write to: batch topics and tables inside a batch, ordinary topics only outside of one."""

from collections.abc import Awaitable, Collection, Mapping
from typing import Any, NoReturn, TypeVar

import faust
from faust.types import EventT, FutureMessage, Message, RecordMetadata

from dataflow.engine.batch import Batch, current_batch
from dataflow.engine.column_batch import ColumnBatch, Encode, check_columns
from dataflow.engine.event_time import EventTime
from dataflow.engine.tables.table import WindowedTable
from dataflow.errors import DataflowError

E = TypeVar("E")


class OutsideTransaction(DataflowError):
    """A batch agent has tried to write past its checkpoint: a bug in the agent."""


def refuse_inside_batch(what: str, instead: str) -> None:
    """Raise `OutsideTransaction` if the running code is inside an `async with batch`.

    What ordinary Faust sends or stores there would not be in the checkpoint's
    transaction: lost or doubled by a crash, silently.
    """
    batch = current_batch.get()
    if batch is not None:
        raise OutsideTransaction(
            f"{what} is used inside a batch of {batch.tp.topic}; expected {instead}, "
            "which goes into the checkpoint of the batch"
        )


def _entered_batch(what: str) -> Batch:
    batch = current_batch.get()
    if batch is None:
        raise OutsideTransaction(
            f"{what} is called outside of a batch; expected it inside `async with batch`"
        )
    return batch


class OrdinaryTopic(faust.Topic):
    """A plain Faust topic, a table's changelog too; refuses to be written from inside a batch."""

    async def send(self, **message: Any) -> Awaitable[RecordMetadata]:
        """Send a message, as Faust does."""
        refuse_inside_batch(f"send() of topic {self.get_topic_name()}", "send_batch()")
        return await super().send(**message)

    def send_soon(self, **message: Any) -> FutureMessage:
        """Send a message in the background, as Faust does."""
        refuse_inside_batch(f"send_soon() of topic {self.get_topic_name()}", "send_batch()")
        return super().send_soon(**message)


class BatchTopic(faust.Topic):
    """A topic read and written in record batches.

    Its stream yields one `Batch` for the next records of a partition. Faust's own
    acknowledgements are off (`acks=False`): a batch is acknowledged by leaving its
    `async with` block. `columns` are what tables can count of its events: those of the
    stage that its agent applies. The event time is one of them.
    """

    def __init__(
        self,
        app: faust.App,
        *,
        event_time: EventTime | None = None,
        columns: Collection[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(app, **{**settings, "acks": False, "key_type": bytes, "value_type": bytes})
        self.event_time = event_time
        self.columns = frozenset(columns)
        if event_time is not None:
            check_columns(f"event time of topic {self.get_topic_name()}", [event_time.column], self.columns)

    def _clone_args(self) -> Mapping[str, object]:
        return {**super()._clone_args(), "event_time": self.event_time, "columns": self.columns}

    def _compile_decode(self) -> None:
        # The conductor calls the attribute; the value is a Batch already.
        async def decode(message: Message, **_: object) -> EventT[Any]:
            return self._create_event(None, message.value, None, message)

        self.decode = decode  # type: ignore[method-assign]  # as Faust itself does

    async def send_batch(self, rows: ColumnBatch[E], encode: Encode[E] | None = None) -> None:
        """Write these rows with the checkpoint that commits where they came from.

        They keep key, headers, timestamp and partition. `encode(event, added)` gives them
        another value than the one that they have.
        """
        name = self.get_topic_name()
        _entered_batch(f"send_batch() of topic {name}").send(name, rows, encode)

    async def send(self, **_message: Any) -> NoReturn:
        """Refuse: what is sent past a checkpoint is lost or doubled by a crash."""
        raise self._refusal("send()")

    def send_soon(self, **_message: Any) -> NoReturn:
        """Refuse, as `send`."""
        raise self._refusal("send_soon()")

    def _refusal(self, what: str) -> OutsideTransaction:
        return OutsideTransaction(
            f"{what} of topic {self.get_topic_name()} is called; expected send_batch(), as it is "
            "a topic of record batches, or an ordinary app.topic()"
        )


class CountedTable:
    """A windowed table that counts what is added to it inside a batch."""

    def __init__(self, table: WindowedTable) -> None:
        self.table = table

    @property
    def name(self) -> str:
        """Name of the table, as in its address and its changelog."""
        return self.table.name

    def add(self, rows: ColumnBatch[Any]) -> None:
        """Count these rows, in the checkpoint of the batch that they came in."""
        _entered_batch(f"add() of table {self.name}").fold(self.table, rows)
