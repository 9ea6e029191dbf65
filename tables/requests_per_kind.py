"""Requests per kind: how often, bytes, failures, by method, cache status, and whether a bot asked."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import PartedKey, Sum
from tables.windows import live_table

requests_per_kind = live_table(
    "requests_per_kind",
    CDN_LOGS,
    ACCESS_LOGS,
    key=PartedKey("kind", "method", "cache", "client"),
    bytes=Sum("bytes"),
    errors=Sum("is_error"),
)
