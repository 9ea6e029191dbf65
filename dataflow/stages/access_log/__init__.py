"""Access logs: lines of web servers in, JSON with all that they tell out."""

from collections.abc import Callable
from pathlib import Path

from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.stage import AccessLogStage, LineParser
from dataflow.stages.access_log.usual_formats import UsualFormats
from dataflow.stages.geoip import GeoIP


def line_parser(format: str | None, zone: str | None = None) -> LineParser:  # noqa: A002 - the server's word
    """Return what reads lines of a server's own format; null: the usual ones. Raises `Misconfigured`."""
    return UsualFormats() if format is None else compile_format(format, zone)


def access_log_stage(
    format: str | None,  # noqa: A002 - the server's word
    geoip: GeoIP,
    zone: str | None = None,
) -> AccessLogStage:
    """Return the stage for lines of a format as in `line_parser`."""
    return AccessLogStage(line_parser(format, zone), geoip)


def line_stage(
    format: str | None,  # noqa: A002 - the server's word
    geoip_city: Path | None,
    geoip_asn: Path | None,
    zone: str | None = None,
) -> Callable[[bytes], list[bytes]]:
    """Return a function from a raw line to its one line of JSON.

    Raises `Misconfigured` for a format or a database that cannot be used; the function
    raises `InvalidEvent` for a line that is a dead letter.
    """
    read = access_log_stage(format, GeoIP(geoip_city, geoip_asn), zone).read
    return lambda raw: [read(raw).json]
