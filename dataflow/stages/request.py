"""Request: a log line of CDN or web server in, what the tables count of it out: one vocabulary."""

from typing import NamedTuple

from dataflow.engine.decoding import fault_of
from dataflow.engine.stage import ParseStage
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.stage import AccessLogStage, ParsedLine
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.datastream2.values import (
    client_of,
    text_of,
    text_of_number,
    user_agent_text,
    whole_number,
)
from dataflow.stages.datastream2.values import endpoint_of as typed_endpoint_of
from dataflow.stages.event_time import epoch_seconds_ms, iso_ms
from dataflow.stages.request_kind import UNKNOWN, client_kind, kind_of
from dataflow.stages.request_site import NO_VALUE, referer_of, site_of
from models.cdn_log import CdnLog, CdnValue

_FIRST_ERROR_STATUS = 500
_MOST = 10**18  # many of them still have a sum in 64 bits


class Request(NamedTuple):
    """One request to a CDN or a web server."""

    at_ms: int
    """Start of the request, ms since 1970 UTC; `UNDATED` if the line has none."""
    endpoint: str
    status: str
    is_error: bool
    bytes: int
    """Bytes of the body that were sent; 0 if the line has none."""
    client: str | None = None
    """Address of the client, or its host name."""
    country: str | None = None
    """Of the client, ISO 3166 alpha-2."""
    response_time_ms: float | None = None
    """From the request to the last byte."""
    kind: str = "- - -"
    """Method, cache status and sort of client: `GET hit person`."""
    site: str = "(none) (none) (none)"
    """Status, country and host: `200 DE www.example.com`."""
    referer: str = "(none)"
    """Host of the page that led to it."""


REQUEST_COLUMNS = frozenset(Request._fields)


def request_of(line: CdnLog) -> Request:
    """Return the request of a line; whatever its values are, it has one."""
    path, status, sent = line.reqPath, line.statusCode, line.country
    country = _countries[sent] if type(sent) is str else text_of(_text(sent) or "")
    named = _statuses[status] if type(status) is str else status_of(_text(status))
    return Request(
        epoch_seconds_ms(line.reqTimeSec),
        # Only texts are remembered: 1, 1.0 and true would be one key of a dict.
        _endpoints[path] if type(path) is str else endpoint_of(_text(path)),
        *named,
        bytes_of(line.bytes),
        _client_of(_text(line.cliIP)),
        country,
        _response_time_ms(line),
        _kinds_of_sent[_text(line.reqMethod), _text(line.cacheStatus), _text(line.UA)],
        _sites[named[0], country, _text(line.reqHost)],
        _referers[_text(line.referer)],
    )


def request_of_entry(entry: ParsedLine) -> Request:
    """Return the request of an access log line; a garbage request has no endpoint."""
    logged = entry.request
    status, is_error = _logged_statuses[logged.status]
    # As `Request(…)`, which costs twice as much: it calls a function that is not written in C.
    return tuple.__new__(
        Request,
        (
            iso_ms(logged.ts),
            NO_VALUE if logged.endpoint is None else _resources[logged.endpoint],
            status,
            is_error,
            logged.bytes or 0,
            logged.ip,
            entry.place.country,
            logged.response_time_ms,
            _kinds_of_logged[logged.method, entry.client_kind],
            _sites[status, entry.place.country, logged.host],
            _referers[logged.referer],
        ),
    )


def resource_of(endpoint: str) -> str:
    """Return the one form of a path, however a client encoded it: that of a CDN line."""
    # Without a slash it is a full URL, a host and port, or `*`.
    return text_of(endpoint) or endpoint if endpoint[:1] != "/" else typed_endpoint_of(endpoint) or endpoint


def endpoint_of(path: str | None) -> str:
    """Return the endpoint of the typed form of a line, so that both count the same; `NO_VALUE` for none."""
    endpoint = None if path is None else typed_endpoint_of(path)
    return NO_VALUE if endpoint is None else endpoint


def status_of(status: str | None) -> tuple[str, bool]:
    """Return the status in the one form of its number, and whether the server failed (500 and more).

    What the typed form of a line has no status for is none here, too.
    """
    try:
        number = whole_number(status or "")
    except ValueError:
        return NO_VALUE, False
    return str(number), number >= _FIRST_ERROR_STATUS


def bytes_of(size: CdnValue) -> int:
    """Return a size in bytes; 0 for every form of *no value* and for what is no size."""
    return _whole(size if type(size) is str else _text(size) or "")


def _response_time_ms(line: CdnLog) -> float | None:
    """Return the wait for the origin and the time to take and to answer the request; all or none."""
    times = line.turnAroundTimeMSec, line.reqEndTimeMSec, line.transferTimeMSec
    try:
        took = sum(map(int, times))  # type: ignore[arg-type]  # null and other texts are what `except` is for
    except (TypeError, ValueError, OverflowError):
        try:  # as the typed form of the line has them
            took = sum(whole_number(_text(time) or "") for time in times)
        except ValueError:
            return None
    return float(took) if 0 <= took <= _MOST else None


def _client_of(text: str | None) -> str | None:
    return None if text is None else _clients[text]


def _whole(text: str) -> int:
    try:
        number = whole_number(text)
    except ValueError:
        return 0
    return number if 0 <= number <= _MOST else 0


def _text(value: CdnValue) -> str | None:
    if type(value) is str:
        return value
    return None if value is None else text_of_number(value)


def _kind_of_sent(sent: tuple[str | None, ...]) -> str:
    from dataflow.stages.user_agent import is_bot  # its patterns load when the first one is looked up

    method, cache_status, user_agent = sent
    cache_status = None if cache_status is None else status_of(cache_status)[0]
    text = None if user_agent is None else user_agent_text(user_agent)
    return kind_of(method, client_kind(None if text is None else is_bot(text)), cache_status)


_clients: BoundedCache[str, str | None] = BoundedCache(client_of)
_resources: BoundedCache[str, str] = BoundedCache(resource_of)
_endpoints: BoundedCache[str, str] = BoundedCache(endpoint_of)
_statuses: BoundedCache[str, tuple[str, bool]] = BoundedCache(status_of)
_countries: BoundedCache[str, str | None] = BoundedCache(text_of)
_kinds_of_sent: BoundedCache[tuple[str | None, ...], str] = BoundedCache(_kind_of_sent)
_kinds_of_logged: BoundedCache[tuple[str | None, ...], str] = BoundedCache(
    lambda logged: kind_of(logged[0], logged[1] or UNKNOWN)
)
_sites: BoundedCache[tuple[str | None, ...], str] = BoundedCache(
    lambda parts: site_of(parts[0] or NO_VALUE, parts[1], parts[2])
)
_referers: BoundedCache[str | None, str] = BoundedCache(referer_of)
_logged_statuses = {code: status_of(None if code is None else str(code)) for code in (None, *range(1_000))}


def access_log_parsing(stage: AccessLogStage) -> ParseStage[Request]:
    """Return the parse of lines: the request that tables count, and the JSON that goes on."""

    def read(raw: bytes | None) -> tuple[Request, bytes]:
        if raw is None:
            raise InvalidEvent(Reason.EMPTY, "value is null; expected an access log line")
        entry = stage.read(raw)
        return request_of_entry(entry), entry.json

    return ParseStage("access-log", read, fault_of, REQUEST_COLUMNS)
