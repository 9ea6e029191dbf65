"""Events per type: how often, and from how many devices, for each type of analytics event."""

from dataflow.app import app
from dataflow.engine.tables import Distinct, WindowedTable
from dataflow.streams import analytics_events
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

events_per_type = app.windowed_table(
    analytics_events,
    WindowedTable(
        "events_per_type",
        key="event_type",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        distinct_devices=Distinct("device_id"),
    ),
)
