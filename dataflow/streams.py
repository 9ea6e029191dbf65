"""Streams: the topics that agents read and write in record batches, each with its event time."""

from dataflow.app import app
from dataflow.engine.column_batch import EventTime
from dataflow.stages.event_time import iso_ms

cdn_logs = app.batches("cdn-logs", event_time=EventTime("at_ms", int))
cdn_logs_filtered = app.batches("cdn-logs-filtered")

expedia = app.batches("expedia", event_time=EventTime("date_time", iso_ms))
expedia_ext = app.batches("expedia_ext")
expedia_test = app.batches("expedia_test")

raw_web_events = app.batches("raw-web-events", event_time=EventTime("event_timestamp", iso_ms))
enriched_web_events = app.batches("enriched-web-events")

analytics_events = app.batches("analytics-events", event_time=EventTime("created_on", iso_ms))

cdn_logs_parsed = app.batches("cdn-logs-parsed")

access_logs = app.batches("access-logs", event_time=EventTime("at_ms", int))
access_logs_parsed = app.batches("access-logs-parsed")

dead_letters = app.batches("dead-letters", event_time=EventTime("at_ms", int))
