"""Categorize views: page views in, the same with the marketing that brought them out, counted."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.streams import enriched_web_events, raw_web_events
from tables.views_per_page import views_per_page
from tables.views_per_source_category import views_per_source_category


@app.agent(raw_web_events)
async def categorize_views(batches: Batches) -> None:
    """Give every page view its source category and e-mail domain, by the map as it is when a batch begins."""
    async for batch in batches:
        async with batch:
            views = batch.enrich(app.context.utm_sources.current)
            views_per_source_category.add(views)
            views_per_page.add(views)
            await enriched_web_events.send_batch(views)
