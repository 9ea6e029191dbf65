"""Job K by this engine: events in, the same with a mark out, counted by key and hour.

`faust -A count_keys worker` runs it; what may differ between runs comes by environment variables.
"""

import faust
from job_app import job_app, told

from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.splice import Added
from dataflow.engine.tables import HOUR, WindowedTable
from dataflow.stages.event_time import iso_ms

MAX_KEYS = 1_000_000


class KeyedEvent(faust.Record, include_metadata=False):
    """An event with a key."""

    key: str
    at: str


MARKED = Added(counted=True)
MARK = EnrichStage(
    "mark", compile_decoder(KeyedEvent, reads=("key", "at"), adds=("counted",)), lambda _: MARKED
)

app = job_app()
events = app.batches(told["SOURCE"], event_time=EventTime("at", iso_ms), columns=MARK.columns)
marked = app.batches(told["OUTPUT"])
events_per_key = app.windowed_table(
    events,
    WindowedTable("events_per_key", key="key", windows=(HOUR,), all_time=False, max_keys=MAX_KEYS),
)


@app.agent(events)
async def count(batches: Batches) -> None:
    """Mark every event, and count it."""
    async for batch in batches:
        async with batch:
            rows = batch.apply(MARK)
            events_per_key.add(rows)
            await marked.send_batch(rows)
