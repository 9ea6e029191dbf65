"""Requests per endpoint: how often, bytes, failures, clients, response times, by path without its query."""

from dataflow.app import app
from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Distinct, Quantiles, Sum, WindowedTable
from dataflow.streams import batch_topic
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

requests_per_endpoint = app.windowed_table(
    (batch_topic(CDN_LOGS), batch_topic(ACCESS_LOGS)),
    WindowedTable(
        "requests_per_endpoint",
        key="endpoint",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
        distinct_clients=Distinct("client"),
        response_time_ms=Quantiles("response_time_ms"),
    ),
)
