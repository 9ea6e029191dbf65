"""Access logs: lines of web servers in, JSON with all that they tell out."""

from collections.abc import Callable
from pathlib import Path

from dataflow.engine.stage import DroppedEvent
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.named import format_files
from dataflow.stages.access_log.recognized import (
    AUTO,
    RecognizedFormats,
    StatedFormat,
    known_names,
    with_columns,
)
from dataflow.stages.access_log.stage import AccessLogStage
from dataflow.stages.geoip import GeoIP


def line_parser(format: str | None, zone: str | None = None) -> LineFormat | RecognizedFormats:  # noqa: A002 - the server's word
    """Return what reads lines of a format: its name, as in a server's configuration, or a ``#Fields:`` line.

    Null: lines of all known formats. `zone` is that of times that name none. Raises `Misconfigured`.
    """
    format = AUTO if format is None else format  # noqa: A001 - as above
    if format in known_names():
        wraps_any = format == AUTO or format_files()[format].wraps
        return RecognizedFormats(format, zone) if wraps_any else StatedFormat(format, zone)
    if format.startswith("#Fields:"):
        return with_columns(format, zone)
    return compile_format(format, zone)


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

    def entries(raw: bytes) -> list[bytes]:
        try:
            return [read(raw).json]
        except DroppedEvent:
            return []

    return entries
