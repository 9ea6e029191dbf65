"""Parse access logs: raw lines in, their parts with user agent and place out, counted."""

from dataflow.app import app
from dataflow.engine.batch import Batches
from dataflow.logs import get_log
from dataflow.settings import settings
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.access_log_parsing import access_log_parsing
from dataflow.stages.geoip import GeoIP
from dataflow.streams import access_logs, access_logs_parsed
from tables.requests_per_country import requests_per_country
from tables.requests_per_endpoint import requests_per_endpoint
from tables.requests_per_status import requests_per_status
from tables.top_clients import top_clients

log = get_log(__name__)

REFRESH_SECONDS = 5.0

GEOIP = GeoIP(settings().geoip_city, settings().geoip_asn)
STAGE = access_log_stage(settings().access_log_format, GEOIP)
ACCESS_LOG = access_log_parsing(STAGE)


@app.agent(access_logs)
async def parse_access_logs(batches: Batches) -> None:
    """Parse every line, and add what its user agent and its address tell."""
    async for batch in batches:
        async with batch:  # acknowledged when the block ends well, and only then
            requests = batch.parse(ACCESS_LOG)
            requests_per_endpoint.add(requests)
            requests_per_status.add(requests)
            requests_per_country.add(requests)
            top_clients.add(requests)
            await access_logs_parsed.send_batch(requests)


@app.task  # type: ignore[untyped-decorator]  # Faust's
async def tell_databases() -> None:
    """Say at start which places and networks can be told."""
    log.info(
        "Fields of a GeoIP database that is not set are null.",
        city=GEOIP.city_path,
        network=GEOIP.network_path,
    )


@app.timer(REFRESH_SECONDS)  # type: ignore[untyped-decorator]  # Faust's
async def take_over_databases() -> None:
    """Use GeoIP databases that were replaced on disk; keep the old one if the new one is broken."""
    for path, problem in STAGE.refresh():
        if problem is None:
            log.info("New GeoIP database is in use.", file=path)
        else:
            log.error("GeoIP database is refused; the old one stays in use.", reason=str(problem))
