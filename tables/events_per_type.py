"""Events per type: how often, and from how many devices, for each type of analytics event."""

from dataflow.app import app
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.engine.tables import Distinct, WindowedTable
from dataflow.streams import batch_topic
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

events_per_type = app.windowed_table(
    batch_topic(ANALYTICS_EVENTS),
    WindowedTable(
        "events_per_type",
        key="event_type",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        distinct_devices=Distinct("device_id"),
    ),
)
