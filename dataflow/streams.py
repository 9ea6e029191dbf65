"""Streams: the topics of the catalogue, bound to the app: agents read and write them in record batches."""

from functools import cache

from dataflow.app import app
from dataflow.catalogue.declared import STREAMS, TOPICS
from dataflow.engine.topic import BatchTopic

_EVENT_TIMES = {stream.topic: stream.event_time for stream in STREAMS}


@cache
def batches(topic: str) -> BatchTopic:
    """Return a topic of the catalogue; if an agent reads it, its tables count by the stream's event time."""
    return app.batches(TOPICS[topic].name, event_time=_EVENT_TIMES.get(topic))


cdn_logs, cdn_logs_filtered, cdn_logs_parsed = map(
    batches, ("cdn-logs", "cdn-logs-filtered", "cdn-logs-parsed")
)
expedia, expedia_ext, expedia_test = map(batches, ("expedia", "expedia_ext", "expedia_test"))
raw_web_events, enriched_web_events = map(batches, ("raw-web-events", "enriched-web-events"))
analytics_events = batches("analytics-events")
access_logs, access_logs_parsed = map(batches, ("access-logs", "access-logs-parsed"))
dead_letters = batches("dead-letters")
