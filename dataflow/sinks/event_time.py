"""Event time of what sinks store: a record in, its time in ms since 1970 UTC and its fields out."""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType

import msgspec
from aiokafka.record.default_records import DefaultRecord

from dataflow.engine.decoding import EventDecoder
from dataflow.stages.event_time import epoch_seconds_ms, iso_ms
from dataflow.topics import (
    ACCESS_LOGS_PARSED,
    ANALYTICS_EVENTS,
    CDN_LOGS,
    CDN_LOGS_FILTERED,
    CDN_LOGS_PARSED,
    ENRICHED_WEB_EVENTS,
    EXPEDIA,
    EXPEDIA_EXT,
    RAW_WEB_EVENTS,
)

DAY_MS = 24 * 60 * 60 * 1000

Values = tuple[object, ...]
Read = Callable[[DefaultRecord], tuple[int, Values]]

ISO_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        ACCESS_LOGS_PARSED: "ts",
        CDN_LOGS_PARSED: "ts",
        EXPEDIA: "date_time",
        EXPEDIA_EXT: "date_time",
        RAW_WEB_EVENTS: "event_timestamp",
        ENRICHED_WEB_EVENTS: "event_timestamp",
        ANALYTICS_EVENTS: "created_on",
    }
)
EPOCH_FIELDS: Mapping[str, str] = MappingProxyType(dict.fromkeys((CDN_LOGS, CDN_LOGS_FILTERED), "reqTimeSec"))


def compile_reader(topic: str, *fields: str) -> Read:
    """Return a function: a record of the topic in, its event time and the values of `fields` out.

    A value is of whatever type was sent, None where it is absent. The time is that of the
    record's arrival in Kafka where the event has none that can be read, or one more than a
    day later: the record alone decides, so it is the same each time. The function raises
    `InvalidEvent` for what is no JSON object.
    """
    time_field = ISO_FIELDS.get(topic) or EPOCH_FIELDS.get(topic)
    parse = _iso if topic in ISO_FIELDS else epoch_seconds_ms
    read = _decoder((*fields, time_field) if time_field else fields).read
    values_of = _values_of(fields)

    def read_record(record: DefaultRecord) -> tuple[int, Values]:
        event = read(record.value)
        at_ms = parse(getattr(event, time_field)) if time_field else -1
        arrived_ms = max(record.timestamp, 0)
        if at_ms < 0 or at_ms > arrived_ms + DAY_MS:
            at_ms = arrived_ms
        return at_ms, values_of(event)

    return read_record


def _iso(value: object) -> int:
    return iso_ms(value if isinstance(value, str) else None)


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
