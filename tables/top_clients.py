"""Top clients: how often, how many bytes, how many failures, for each address that asked."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Sum
from tables.windows import live_table

top_clients = live_table(
    "top_clients", CDN_LOGS, ACCESS_LOGS, key="client", bytes=Sum("bytes"), errors=Sum("is_error")
)
