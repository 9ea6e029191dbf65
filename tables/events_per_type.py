"""Events per type: how often, and from how many devices, for each type of analytics event."""

from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.engine.tables import Distinct
from tables.windows import live_table

events_per_type = live_table(
    "events_per_type", ANALYTICS_EVENTS, key="event_type", distinct_devices=Distinct("device_id")
)
