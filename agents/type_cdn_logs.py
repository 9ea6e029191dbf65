"""Type CDN logs: filtered lines in, the same with typed fields out; `DATAFLOW_CDN_PARSED` switches it on."""

from dataflow.app import app, batch_topic
from dataflow.catalogue.streams.cdn_logs import CDN_LOGS_FILTERED, CDN_LOGS_PARSED
from dataflow.engine.batch import Batches
from dataflow.stages.datastream2 import DATASTREAM2

cdn_logs_parsed = batch_topic(CDN_LOGS_PARSED)


@app.agent(batch_topic(CDN_LOGS_FILTERED))
async def type_cdn_logs(batches: Batches) -> None:
    """Give every line its typed form: numbers, UTC time, decoded text, durations, breadcrumbs."""
    async for batch in batches:
        async with batch:
            await cdn_logs_parsed.send_batch(batch.apply(DATASTREAM2))
