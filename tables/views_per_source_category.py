"""Views per source category: page views and different users, by the marketing that brought them."""

from dataflow.app import app
from dataflow.catalogue.streams.page_views import RAW_WEB_EVENTS
from dataflow.engine.tables import Distinct, WindowedTable
from dataflow.streams import batch_topic
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

views_per_source_category = app.windowed_table(
    batch_topic(RAW_WEB_EVENTS),
    WindowedTable(
        "views_per_source_category",
        key="source_category",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        distinct_users=Distinct("user_custom_id"),
    ),
)
