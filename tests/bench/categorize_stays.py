"""Job A1 by this engine: bookings in, the same with their stay category out, not counted.

`faust -A categorize_stays worker` runs it; what may differ between runs comes by environment variables.
"""

from job_app import job_app, told

from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.stages.stay_category import STAY_CATEGORY
from models.booking import Booking

app = job_app()

CATEGORY = EnrichStage(
    STAY_CATEGORY.name,
    compile_decoder(Booking, reads=("srch_ci", "srch_co"), adds=STAY_CATEGORY.decoder.adds),
    STAY_CATEGORY.added_to,
)

bookings = app.batches(told["SOURCE"])
stays = app.batches(told["OUTPUT"])


@app.agent(bookings)
async def categorize(batches: Batches) -> None:
    """Give every booking its stay category."""
    async for batch in batches:
        async with batch:
            await stays.send_batch(batch.apply(CATEGORY))
