"""Analytics events: what apps on devices report."""

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.engine.event_time import EventTime
from dataflow.stages.analytics_event import ANALYTICS_EVENT
from dataflow.stages.event_time import iso_ms
from models.analytics_event import AnalyticsEvent

ANALYTICS_EVENTS = DeclaredTopic(
    "analytics-events",
    "analytics events of apps",
    AnalyticsEvent,
    EventTime("created_on", iso_ms),
    table=PostgresTable("analytics_events"),
    is_csv=True,
)

STREAM = Stream(
    "events",
    ANALYTICS_EVENTS,
    columns=ANALYTICS_EVENT.columns,
    has_own_route=True,
    generator=GeneratorKind("events", "analytics_events:AnalyticsEvents"),
)
