"""Requests per endpoint: how often, bytes, failures, clients, response times, by path without its query."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Distinct, Quantiles, Sum
from tables.windows import live_table

requests_per_endpoint = live_table(
    "requests_per_endpoint",
    CDN_LOGS,
    ACCESS_LOGS,
    key="endpoint",
    bytes=Sum("bytes"),
    errors=Sum("is_error"),
    distinct_clients=Distinct("client"),
    response_time_ms=Quantiles("response_time_ms"),
)
