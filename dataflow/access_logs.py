"""Access logs: parses them with GeoIP databases that may be replaced on disk while the worker runs."""

from collections.abc import Mapping

from mode import Service

from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.access_log.line_format import LineFormat
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
        self._lookups = access_log_stage(settings.access_log_format, geoip, settings.access_log_zone)
        self._is_fault_told = False
        self.stage = access_log_parsing(self._lookups)

    async def on_start(self) -> None:
        """Log which places and networks are known."""
        city, network = self._settings.geoip_city, self._settings.geoip_asn
        if isinstance(self._lookups.parser, LineFormat) and (names := self._lookups.parser.unknown):
            log.info("Variables that nginx does not have become fields.", names=names)
        log.info("Fields of a GeoIP database that is not set are null.", city=city, network=network)

    @property
    def unreadable(self) -> Mapping[str, int]:
        """How often a field of a line could not be read, and is null; by the field."""
        return self._lookups.parser.unreadable

    @property
    def has_wrong_unit(self) -> bool:
        """Whether the response times of the lines cannot be milliseconds."""
        return self._lookups.parser.fault is not None

    @Service.timer(REFRESH_SECONDS)
    async def _tell_fault(self) -> None:
        fault = self._lookups.parser.fault
        if fault is not None and not self._is_fault_told:
            log.warning("Access logs seem to be of another format.", reason=fault)
            self._is_fault_told = True

    @Service.timer(REFRESH_SECONDS)
    async def _use_replaced_databases(self) -> None:
        for path, fault in self._lookups.refresh():
            if fault is None:
                log.info("New GeoIP database is in use.", file=path)
            else:
                log.error("GeoIP database is refused; the old one stays in use.", reason=fault)
