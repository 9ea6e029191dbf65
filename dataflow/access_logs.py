"""Access logs: parses them with GeoIP databases that may be replaced on disk while the worker runs."""

from mode import Service

from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import access_log_parsing

log = get_log(__name__)

REFRESH_SECONDS = 5.0


class AccessLogParser(Service):
    """The parse stage of access logs, kept up to date."""

    def __init__(self, settings: Settings) -> None:
        """Open the databases; raise `Misconfigured` for one, or a log format, that cannot be used."""
        super().__init__()
        self._settings = settings
        geoip = GeoIP(settings.geoip_city, settings.geoip_asn)
        self._lookups = access_log_stage(settings.access_log_format, geoip)
        self.stage = access_log_parsing(self._lookups)

    async def on_start(self) -> None:
        """Log which places and networks are known."""
        city, network = self._settings.geoip_city, self._settings.geoip_asn
        log.info("Fields of a GeoIP database that is not set are null.", city=city, network=network)

    @Service.timer(REFRESH_SECONDS)
    async def _use_replaced_databases(self) -> None:
        for path, fault in self._lookups.refresh():
            if fault is None:
                log.info("New GeoIP database is in use.", file=path)
            else:
                log.error("GeoIP database is refused; the old one stays in use.", reason=fault)
