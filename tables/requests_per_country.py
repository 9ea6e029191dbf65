"""Requests per country: how often, bytes, failures, clients, by the country of the client."""

from dataflow.app import app
from dataflow.engine.tables import Distinct, Sum, WindowedTable
from dataflow.streams import access_logs, cdn_logs
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

requests_per_country = app.windowed_table(
    (cdn_logs, access_logs),
    WindowedTable(
        "requests_per_country",
        key="country",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
        distinct_clients=Distinct("client"),
    ),
)
