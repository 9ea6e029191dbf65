"""Count events: analytics events in, counted by their type."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.engine.batch import Batches
from dataflow.stages.analytics_event import ANALYTICS_EVENT
from tables.events_per_type import events_per_type


@app.agent(batch_topic(ANALYTICS_EVENTS))
async def count_events(batches: Batches) -> None:
    """Count every event that can be read."""
    async for batch in batches:
        async with batch:
            events_per_type.add(batch.apply(ANALYTICS_EVENT))
