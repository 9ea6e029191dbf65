"""Filter CDN logs: raw lines in, those that every rule lets pass out, byte for byte, counted."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS, CDN_LOGS_FILTERED
from dataflow.engine.batch import Batches
from tables.requests_per_country import requests_per_country
from tables.requests_per_endpoint import requests_per_endpoint
from tables.requests_per_kind import requests_per_kind
from tables.requests_per_referer import requests_per_referer
from tables.requests_per_site import requests_per_site
from tables.requests_per_status import requests_per_status
from tables.top_clients import top_clients

cdn_logs_filtered = batch_topic(CDN_LOGS_FILTERED)


@app.agent(batch_topic(CDN_LOGS))
async def filter_cdn_logs(batches: Batches) -> None:
    """Keep the lines that every rule lets pass, by the rules as they are when a batch begins."""
    async for batch in batches:
        async with batch:
            requests = batch.apply(app.context.filter_rules.current.stage)
            requests_per_endpoint.add(requests)
            requests_per_status.add(requests)
            requests_per_country.add(requests)
            requests_per_kind.add(requests)
            requests_per_site.add(requests)
            requests_per_referer.add(requests)
            top_clients.add(requests)
            batch.route(requests, otherwise=cdn_logs_filtered.get_topic_name())
