"""Rows: a tuple for each record of a batch, as COPY takes them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter

from dataflow.engine.decoding import DECODING_ERRORS, compile_decoder
from dataflow.errors import InvalidEvent, Reason
from dataflow.instants import datetime_of
from dataflow.kafka.record import Record
from dataflow.sinks.event_time import arrived_ms
from dataflow.sinks.postgres.odd_values import compile_odd_values
from dataflow.sinks.postgres.tables import Table

Row = tuple[object, ...]
RecordRow = tuple[Record, Row]

FIRST_COLUMNS = ("offset", "day", "ts")
_FIRST_DAY = date(1971, 1, 1)  # the boundary of `dataflow.stages.event_time`
_AHEAD = timedelta(days=1)  # clocks of senders may be wrong


def compile_rows(table: Table) -> Callable[[Record], RecordRow]:
    """Return a function that makes the row of a record; it raises `InvalidEvent`."""
    decoder = compile_decoder(table.record, reads=dict.fromkeys([table.time, *table.columns.values()]))
    decode, values_of = decoder.decode, attrgetter(*table.columns.values())
    time_of = attrgetter(table.time)
    read_odd = compile_odd_values(table.record, (table.time, *table.columns.values()))
    changes = [
        (place, _number if column in table.numbers else table.stored_as[column])
        for place, column in enumerate(table.columns)
        if column in table.numbers or column in table.stored_as
    ]

    def row_of(record: Record) -> RecordRow:
        try:
            event: object = decode(record.value or b"")
        except DECODING_ERRORS as error:
            event = read_odd(error, record.value)
        ts = event_time(time_of(event))
        values = values_of(event)
        if changes:
            values = _changed(values, changes)
        return record, (record.offset, day_of(ts, record), ts, *values)

    return row_of


def event_time(text: str | None) -> datetime | None:
    """Return the instant of an ISO 8601 text; UTC where it names no offset, None for None.

    None for a text that is no instant, too: tables count such an event, in all time alone, so its row is
    stored.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_of(event_at: datetime | None, record: Record) -> date:
    """Return the day, UTC, of the partition of a row; it depends on the record alone.

    It is the day of the event, or of its arrival in Kafka if the event has no time, or one
    before 1971 or more than a day ahead.
    """
    arrived = datetime_of(arrived_ms(record))
    if event_at is not None and event_at - arrived <= _AHEAD and event_at.date() >= _FIRST_DAY:
        return event_at.date()
    return arrived.date()


def _changed(values: Row, changes: Sequence[tuple[int, Callable[[str], object]]]) -> Row:
    changed = list(values)
    for place, change in changes:
        value = changed[place]
        if isinstance(value, str):
            changed[place] = change(value)
    return tuple(changed)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidEvent(Reason.WRONG_TYPE, f"value is {text[:100]!r}; expected a number") from error
