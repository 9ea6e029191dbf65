"""Event time of a stored record, in ms since 1970 UTC, read together with some of its fields."""

from collections.abc import Callable
from typing import Any

import msgspec

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DAY_MS
from dataflow.engine.decoding import EventDecoder
from dataflow.kafka.record import Record

Read = Callable[[Record], tuple[int, object]]


_LAST_MS = 253_402_300_799_999  # year 9999


def arrived_ms(record: Record) -> int:
    """Return when a record came to Kafka, in ms; producers may have set a time that no calendar has."""
    return min(max(record.timestamp, 0), _LAST_MS)


def compile_reader(topic: str, *fields: str) -> Read:
    """Return a function: a record of the topic in, its event time and the event out.

    The event has `fields` as attributes, of whatever type was sent, None where absent. The time is that
    of the record's arrival in Kafka where the event has none that can be read, or one more than a day
    later: the record alone decides, so it is the same each time. The function raises `InvalidEvent` for
    what is no JSON object.
    """
    time_field, parse = _event_time(topic)
    names = dict.fromkeys((*fields, time_field) if time_field else fields)
    struct = msgspec.defstruct("Event", [(name, object, None) for name in names])
    decoder: EventDecoder[Any] = EventDecoder(msgspec.json.Decoder(struct).decode, lambda _: False)

    def read_record(record: Record) -> tuple[int, object]:
        event = decoder.read(record.value)
        at_ms = parse(getattr(event, time_field)) if time_field else -1
        came_ms = arrived_ms(record)
        if at_ms < 0 or at_ms > min(came_ms + DAY_MS, _LAST_MS):
            at_ms = came_ms
        return at_ms, event

    return read_record


def _event_time(topic: str) -> tuple[str, Callable[[object], int]]:
    """Return the field with the event time, empty for a topic that declares none, and how it reads."""
    declared = TOPICS.get(topic)
    if declared is None or declared.event_time is None:
        return "", lambda _: -1
    column, parse = declared.event_time.column, declared.event_time.parse
    types = tuple(kind for kind in declared.fields[column].types if isinstance(kind, type))
    return column, lambda value: parse(value if isinstance(value, types) else None)
