"""The filter alone by this engine: CDN log lines in, those that five rules let pass out, not counted.

`faust -A filter_cdn_lines worker` runs it; what may differ between runs comes by environment variables.
"""

from cdn_lines import RULES
from job_app import job_app, told

from dataflow.engine.batch import Batches
from dataflow.engine.stage import FilterStage
from dataflow.stages.filter_document import load_document
from dataflow.stages.filter_rules import request_filter

app = job_app()
lines = app.batches(told["SOURCE"])
kept = app.batches(told["OUTPUT"])

SHIPPED = request_filter(load_document(RULES), ("dataflow-rules", b"1"))
FILTER = FilterStage(SHIPPED.name, SHIPPED.judge, lambda _: None, SHIPPED.fault, header=SHIPPED.header)
"""As shipped, with the version of the rules in a header; but nothing is read for tables."""


@app.agent(lines)
async def filter_lines(batches: Batches) -> None:
    """Keep the lines that every rule lets pass."""
    async for batch in batches:
        async with batch:
            await kept.send_batch(batch.apply(FILTER))
