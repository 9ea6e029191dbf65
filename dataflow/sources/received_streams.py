"""Received streams: the name in the path of a request in, its topic and what its lines are out."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataflow import topics


@dataclass(frozen=True, slots=True)
class ReceivedStream:
    """One kind of event that is taken over HTTP."""

    topic: str
    is_json: bool = True
    """Each event is a JSON object; else any line of text."""
    is_datastream: bool = False
    """Sent by DataStream 2: with validation pings, and in the STRUCTURED format if so set."""
    keeps_sender: bool = False
    """Who sent a line stands in its headers."""


CDN = ReceivedStream(topics.CDN_LOGS, is_datastream=True)

STREAMS: Mapping[str, ReceivedStream] = {
    "cdn-logs": CDN,
    "access-logs": ReceivedStream(topics.ACCESS_LOGS, is_json=False, keeps_sender=True),
    "web-events": ReceivedStream(topics.RAW_WEB_EVENTS),
    "bookings": ReceivedStream(topics.EXPEDIA),
}

TOPICS = (*(stream.topic for stream in STREAMS.values()), topics.ANALYTICS_EVENTS, topics.DEAD_LETTERS)
"""All that HTTP writes to."""
