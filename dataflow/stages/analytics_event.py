"""Analytics event: raw JSON in, an event whose three fields are as they should be out."""

from dataflow.engine.decoding import compile_decoder, fault_of
from dataflow.engine.stage import FilterStage
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.event_time import UNDATED, iso_ms
from models.analytics_event import AnalyticsEvent

EVENT_TYPES = ("START_SESSION", "END_SESSION", "REVENUE")
LONGEST_DEVICE_ID = 200

_DECODER = compile_decoder(AnalyticsEvent, reads=("device_id", "event_type", "created_on"))


def read_event(raw: bytes) -> AnalyticsEvent:
    """Return the event; raise `InvalidEvent`, whose detail names the field at fault."""
    event = _DECODER.read(raw)
    if not 1 <= len(event.device_id) <= LONGEST_DEVICE_ID:
        raise _unfit("device_id", event.device_id, f"1 to {LONGEST_DEVICE_ID} characters")
    if event.event_type not in EVENT_TYPES:
        raise _unfit("event_type", event.event_type, "START_SESSION, END_SESSION or REVENUE")
    if iso_ms(event.created_on) == UNDATED:
        raise _unfit("created_on", event.created_on, "an ISO 8601 date-time, as 2026-01-31T12:00:00Z")
    return event


def _unfit(field: str, value: str, expected: str) -> InvalidEvent:
    return InvalidEvent(Reason.UNPARSABLE, f"{field} is {value[:100]!r}; expected {expected}")


ANALYTICS_EVENT = FilterStage(
    "analytics-event", lambda raws: [None] * len(raws), read_event, fault_of, _DECODER.reads
)
"""Lets every event pass that can be read."""
