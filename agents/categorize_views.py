"""Categorize views: page views in, the same with the marketing that brought them out, counted."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.page_views import ENRICHED_WEB_EVENTS, RAW_WEB_EVENTS
from dataflow.engine.batch import Batches
from tables.views_per_page import views_per_page
from tables.views_per_source_category import views_per_source_category

enriched_web_events = batch_topic(ENRICHED_WEB_EVENTS)


@app.agent(batch_topic(RAW_WEB_EVENTS))
async def categorize_views(batches: Batches) -> None:
    """Give every page view its source category and e-mail domain, by the map as it is when a batch begins."""
    async for batch in batches:
        async with batch:
            views = batch.apply(app.context.utm_sources.current)
            views_per_source_category.add(views)
            views_per_page.add(views)
            await enriched_web_events.send_batch(views)
