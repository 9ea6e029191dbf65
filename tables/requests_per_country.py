"""Requests per country: how often, bytes, failures, clients, by the country of the client."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from dataflow.engine.tables import Distinct, Sum
from tables.windows import live_table

requests_per_country = live_table(
    "requests_per_country",
    CDN_LOGS,
    ACCESS_LOGS,
    key="country",
    bytes=Sum("bytes"),
    errors=Sum("is_error"),
    distinct_clients=Distinct("client"),
)
