"""Top clients: how often, how many bytes, how many failures, for each address that asked."""

from dataflow.app import app
from dataflow.engine.tables import Sum, WindowedTable
from dataflow.streams import access_logs, cdn_logs
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

top_clients = app.windowed_table(
    (cdn_logs, access_logs),
    WindowedTable(
        "top_clients",
        key="client",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
    ),
)
