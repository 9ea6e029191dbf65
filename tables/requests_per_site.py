"""Requests per site: how often, bytes, failures, by status, country and host, which one key has together."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import PartedKey, Sum
from tables.windows import live_table

requests_per_site = live_table(
    "requests_per_site",
    CDN_LOGS,
    ACCESS_LOGS,
    key=PartedKey("site", "status", "country", "host"),
    bytes=Sum("bytes"),
    errors=Sum("is_error"),
)
