"""The peers' job by this engine: bookings in, the same with their stay category out, counted per hour.

`faust -A hourly_stays worker` runs it; what may differ between runs comes by environment variables.
"""

from job_app import job_app, told

from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.event_time import EventTime
from dataflow.engine.tables import HOUR, WindowedTable
from dataflow.stages.event_time import iso_ms
from dataflow.stages.stay_category import STAY_CATEGORY
from models.booking import Booking

app = job_app()

CATEGORY = EnrichStage(
    STAY_CATEGORY.name,
    compile_decoder(Booking, reads=("srch_ci", "srch_co", "date_time"), adds=STAY_CATEGORY.decoder.adds),
    STAY_CATEGORY.added_to,
)

bookings = app.batches(told["SOURCE"], event_time=EventTime("date_time", iso_ms), columns=CATEGORY.columns)
stays = app.batches(told["OUTPUT"])

stays_per_hour = app.windowed_table(
    bookings, WindowedTable("stays_per_hour", key="stay_category", windows=(HOUR,), all_time=False)
)


@app.agent(bookings)
async def categorize(batches: Batches) -> None:
    """Give every booking its stay category."""
    async for batch in batches:
        async with batch:
            enriched = batch.apply(CATEGORY)
            stays_per_hour.add(enriched)
            await stays.send_batch(enriched)
