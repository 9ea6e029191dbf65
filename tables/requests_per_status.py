"""Requests per status: how often, how many bytes, how many failed, for each HTTP status."""

from dataflow.app import app
from dataflow.engine.tables import Sum, WindowedTable
from dataflow.streams import access_logs, cdn_logs
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

requests_per_status = app.windowed_table(
    (cdn_logs, access_logs),
    WindowedTable(
        "requests_per_status",
        key="status",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
    ),
)
