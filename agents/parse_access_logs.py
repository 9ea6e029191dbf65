"""Parse access logs: raw lines in, their parts with user agent and place out, counted."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.access_logs import ACCESS_LOGS, ACCESS_LOGS_PARSED
from dataflow.engine.batch import Batches
from tables.requests_per_country import requests_per_country
from tables.requests_per_endpoint import requests_per_endpoint
from tables.requests_per_kind import requests_per_kind
from tables.requests_per_referer import requests_per_referer
from tables.requests_per_site import requests_per_site
from tables.requests_per_status import requests_per_status
from tables.top_clients import top_clients

access_logs_parsed = batch_topic(ACCESS_LOGS_PARSED)


@app.agent(batch_topic(ACCESS_LOGS))
async def parse_access_logs(batches: Batches) -> None:
    """Parse every line, and add what its user agent and its address tell."""
    async for batch in batches:
        async with batch:
            requests = batch.apply(app.context.access_logs.stage)
            requests_per_endpoint.add(requests)
            requests_per_status.add(requests)
            requests_per_country.add(requests)
            requests_per_kind.add(requests)
            requests_per_site.add(requests)
            requests_per_referer.add(requests)
            top_clients.add(requests)
            await access_logs_parsed.send_batch(requests)
