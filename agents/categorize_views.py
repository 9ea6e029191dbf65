"""Categorize views: page views in, the same with the marketing that brought them out, counted."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.settings import settings
from dataflow.stages.source_category import source_enrichment
from dataflow.stages.utm_sources import DEFAULT_UTM_SOURCES, load_utm_sources
from dataflow.streams import enriched_web_events, raw_web_events
from tables.views_per_page import views_per_page
from tables.views_per_source_category import views_per_source_category

SOURCE_CATEGORY = source_enrichment(
    load_utm_sources(settings().utm_sources or DEFAULT_UTM_SOURCES),
    omits=frozenset(settings().drop_web_fields),
)


@app.agent(raw_web_events)
async def categorize_views(batches: Batches) -> None:
    """Give every page view its source category and e-mail domain."""
    async for batch in batches:
        async with batch:  # acknowledged when the block ends well, and only then
            views = batch.enrich(SOURCE_CATEGORY)
            views_per_source_category.add(views)
            views_per_page.add(views)
            await enriched_web_events.send_batch(views)
