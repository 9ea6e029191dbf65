"""Requests per referer: how often, by the host of the page that led to each."""

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS
from tables.windows import live_table

requests_per_referer = live_table("requests_per_referer", CDN_LOGS, ACCESS_LOGS, key="referer")
