"""Views per page: page views and different users, for each path of the site."""

from dataflow.catalogue.streams.page_views import RAW_WEB_EVENTS
from dataflow.engine.tables import Distinct
from tables.windows import live_table

views_per_page = live_table(
    "views_per_page", RAW_WEB_EVENTS, key="page_url_path", distinct_users=Distinct("user_custom_id")
)
