"""Type CDN logs: filtered lines in, the same with typed fields out; `DATAFLOW_CDN_PARSED` switches it on."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.stages.datastream2 import DATASTREAM2
from dataflow.streams import cdn_logs_filtered, cdn_logs_parsed


@app.agent(cdn_logs_filtered)
async def type_cdn_logs(batches: Batches) -> None:
    """Give every line its typed form: numbers, UTC time, decoded text, durations, breadcrumbs."""
    async for batch in batches:
        async with batch:
            await cdn_logs_parsed.send_batch(batch.parse(DATASTREAM2))
