"""Top clients: how often, how many bytes, how many failures, for each address that asked."""

from dataflow.app import app
from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Sum, WindowedTable
from dataflow.streams import batch_topic
from tables.windows import LIVE_LATENESS_MS, LIVE_WINDOWS

top_clients = app.windowed_table(
    (batch_topic(CDN_LOGS), batch_topic(ACCESS_LOGS)),
    WindowedTable(
        "top_clients",
        key="client",
        windows=LIVE_WINDOWS,
        lateness_ms=LIVE_LATENESS_MS,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
    ),
)
