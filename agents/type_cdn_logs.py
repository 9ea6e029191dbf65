"""Type CDN logs: filtered lines in, the same with typed fields out; only if asked for."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.settings import settings
from dataflow.stages.datastream2 import DATASTREAM2
from dataflow.streams import cdn_logs_filtered, cdn_logs_parsed


async def type_cdn_logs(batches: Batches) -> None:
    """Give every line its typed form: numbers, UTC time, decoded text, durations, breadcrumbs."""
    async for batch in batches:
        async with batch:  # acknowledged when the block ends well, and only then
            await cdn_logs_parsed.send_batch(batch.parse(DATASTREAM2))


if settings().types_cdn_logs:
    app.agent(cdn_logs_filtered)(type_cdn_logs)
