"""Event time of a stored record, in ms since 1970 UTC, read together with some of its fields."""

from collections.abc import Callable, Iterable
from operator import attrgetter

import msgspec

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DAY_MS
from dataflow.engine.decoding import EventDecoder
from dataflow.kafka.record import Record

Values = tuple[object, ...]
Read = Callable[[Record], tuple[int, Values]]


def compile_reader(topic: str, *fields: str) -> Read:
    """Return a function: a record of the topic in, its event time and the values of `fields` out.

    A value is of whatever type was sent, None where it is absent. The time is that of the
    record's arrival in Kafka where the event has none that can be read, or one more than a
    day later: the record alone decides, so it is the same each time. The function raises
    `InvalidEvent` for what is no JSON object.
    """
    time_field, parse = _event_time(topic)
    read = _decoder((*fields, time_field) if time_field else fields).read
    values_of = _values_of(fields)

    def read_record(record: Record) -> tuple[int, Values]:
        event = read(record.value)
        at_ms = parse(getattr(event, time_field)) if time_field else -1
        arrived_ms = max(record.timestamp, 0)
        if at_ms < 0 or at_ms > arrived_ms + DAY_MS:
            at_ms = arrived_ms
        return at_ms, values_of(event)

    return read_record


def _event_time(topic: str) -> tuple[str, Callable[[object], int]]:
    """Return the field with the event time, empty for a topic that declares none, and how it reads."""
    declared = TOPICS.get(topic)
    if declared is None or declared.event_time is None:
        return "", lambda _: -1
    column, parse = declared.event_time.column, declared.event_time.parse
    types = tuple(kind for kind in declared.fields[column].types if isinstance(kind, type))
    return column, lambda value: parse(value if isinstance(value, types) else None)


def _values_of(fields: tuple[str, ...]) -> Callable[[object], Values]:
    if not fields:
        return lambda _: ()
    if len(fields) == 1:
        one = attrgetter(*fields)
        return lambda event: (one(event),)
    return attrgetter(*fields)


def _decoder(fields: Iterable[str]) -> EventDecoder:  # type: ignore[type-arg]  # of no record: any type of value
    struct = msgspec.defstruct("Event", [(name, object, None) for name in dict.fromkeys(fields)])
    return EventDecoder(msgspec.json.Decoder(struct).decode, lambda _: False)
