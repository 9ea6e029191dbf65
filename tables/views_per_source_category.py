"""Views per source category: page views and different users, by the marketing that brought them."""

from dataflow.catalogue.streams.page_views import RAW_WEB_EVENTS
from dataflow.engine.tables import Distinct
from tables.windows import live_table

views_per_source_category = live_table(
    "views_per_source_category",
    RAW_WEB_EVENTS,
    key="source_category",
    distinct_users=Distinct("user_custom_id"),
)
