"""Views per source category: page views and different users, by the marketing that brought them."""

from dataflow.app import app
from dataflow.engine.tables import Distinct, WindowedTable
from dataflow.streams import raw_web_events
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

views_per_source_category = app.windowed_table(
    raw_web_events,
    WindowedTable(
        "views_per_source_category",
        key="source_category",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        distinct_users=Distinct("user_custom_id"),
    ),
)
