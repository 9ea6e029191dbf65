"""Requests per status: how often, how many bytes, how many failed, for each HTTP status."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Sum
from tables.windows import live_table

requests_per_status = live_table(
    "requests_per_status", CDN_LOGS, ACCESS_LOGS, key="status", bytes=Sum("bytes"), errors=Sum("is_error")
)
