"""Count events: analytics events in, counted by their type."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.stages.analytics_event import ANALYTICS_EVENT
from dataflow.streams import analytics_events
from tables.events_per_type import events_per_type


@app.agent(analytics_events)
async def count_events(batches: Batches) -> None:
    """Count every event that can be read."""
    async for batch in batches:
        async with batch:
            events_per_type.add(batch.filter(ANALYTICS_EVENT))
