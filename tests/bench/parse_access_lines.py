"""The peers' job by this engine: access log lines in, JSON with user agent and place out, not counted.

`faust -A parse_access_lines worker` runs it; what may differ between runs comes by environment variables.
"""

from access_lines import ASN, CITY
from job_app import job_app, told

from dataflow.engine.batch import Batches
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import access_log_parsing

app = job_app()
lines = app.batches(told["SOURCE"])
entries = app.batches(told["OUTPUT"])
ACCESS_LOG = access_log_parsing(access_log_stage(None, GeoIP(CITY, ASN)))


@app.agent(lines)
async def parse(batches: Batches) -> None:
    """Parse every line, and add what its user agent and its address tell."""
    async for batch in batches:
        async with batch:
            await entries.send_batch(batch.apply(ACCESS_LOG))
