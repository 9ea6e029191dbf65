"""Dead letters: events that could not be used, counted by the reason."""

from typing import NamedTuple

from dataflow.catalogue.stream import Stream
from dataflow.catalogue.topic import DeclaredTopic, kept_for
from dataflow.engine.event_time import EventTime


class Note(NamedTuple):
    """One dead letter."""

    at_ms: int
    """When it became one, ms since 1970 UTC."""
    reason: str
    bytes: int


DEAD_LETTERS = DeclaredTopic(
    "dead-letters",
    "events that could not be used, with reason and origin",
    # What came in fits in here, together with its reason and origin, unless a producer had packed it. Kept
    # for a month from the day on which it became a dead letter; the time of the record itself, maybe years
    # ago, is in a header.
    configs=kept_for(30, max_message_bytes=str(2 << 20)),
)

STREAM = Stream(
    "dead-letters", DEAD_LETTERS, counted_at=EventTime("at_ms", int), columns=frozenset(Note._fields)
)
