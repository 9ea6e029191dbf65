"""Categorize stays: bookings in, bookings with their stay category out, counted per category."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.bookings import EXPEDIA, EXPEDIA_EXT, EXPEDIA_TEST
from dataflow.engine.batch import Batches
from dataflow.stages.stay_category import STAY_CATEGORY, stay_of
from tables.stays_per_category import stays_per_category

expedia_ext, expedia_test = batch_topic(EXPEDIA_EXT), batch_topic(EXPEDIA_TEST)


@app.agent(batch_topic(EXPEDIA))
async def categorize_stays(batches: Batches) -> None:
    """Give every booking its stay category."""
    async for batch in batches:
        async with batch:
            stays = batch.apply(STAY_CATEGORY)
            stays_per_category.add(stays)
            await expedia_ext.send_batch(stays)
            await expedia_test.send_batch(stays, stay_of)
