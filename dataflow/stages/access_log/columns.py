"""Columns: the words by which data files of formats name what stands in a column."""

import re
from decimal import Decimal
from urllib.parse import unquote

from dataflow.errors import Misconfigured
from dataflow.stages.access_log import directives as d
from dataflow.stages.access_log.clients import UnreadableField, client_of, first_client, forwarded_client
from dataflow.stages.access_log.times import common_time, epoch_time, iso_time
from dataflow.stages.access_log.urls import host_and_target, host_before_path
from dataflow.stages.access_log.values import (
    NO_VALUE,
    RequestLine,
    duration_to_ms,
    number_of,
    request_line,
    text_of,
)

_SECOND = r"-?[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+"
_QUOTED = r'-|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Amazon S3 escapes no quotation mark. That of the request line ends it, as no target has a space; the last
# one of the line ends the user agent; and what stands between two of them is the client's on both sides.
_S3_REQUEST = r'-|"[A-Za-z-]++ [^ ]*+(?: [A-Z]++/[0-9.]++)?+"|"[^"]*+"'
_S3_REFERER = r'-|"[^"]*+(?:"(?! (?:"|-(?: |\Z)))[^"]*+)*+"'
_LAST_QUOTED = r'"[^"]*+(?:"(?![^"]*+\Z)[^"]*+)*+"'
_COLOURS = re.compile(r"\x1b\[[0-9;]*+m")
_HASH_CODES = re.compile("(?:#[0-9A-F]{2})++")
_HOUR = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
_MOST_MS = 10**15
_ENDS_OF_TEXT = {" ": "[^ ]*+", "/": "[^ /]*+", "\t": r"[^\t]*+", "|": r"[^|]*+"}
_COLUMN = re.compile(r"<([a-z_]+)(?:=([^<>]+))?>")


def _in_quotes(text: str) -> str | None:
    return text_of(text[1:-1] if text[:1] == '"' else text)


def _in_bare_quotes(text: str) -> str | None:
    return text_of(_escaped(text[1:-1] if text[:1] == '"' else text))


def _url_request(text: str) -> tuple[str | None, ...]:
    request = request_line(text_of(text.strip('"')))
    target = request.endpoint if request.query is None else f"{request.endpoint}?{request.query}"
    host, endpoint, query = host_and_target((target or "").replace("\\", "\\\\"))
    return request.method, host, endpoint, query, request.protocol


def _haproxy_request(text: str) -> tuple[str | None, ...]:
    """Read a request line in which ``#22`` is a quotation mark, and a backslash itself."""
    return _url_request(_escaped(_HASH_CODES.sub(_of_hash_codes, text)))


def _of_hash_codes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("#", "")).decode("utf-8", "backslashreplace")


def _coloured_request(text: str) -> RequestLine:
    return request_line(text_of(_COLOURS.sub("", text)))


def _sum_of_seconds(text: str) -> float | None:
    parts = [Decimal(part) for part in text.split()]
    if min(parts) < 0:  # the connection ended before
        return None
    total = sum(parts) * 1000
    return int(total) if total == int(total) else float(total)


def _seconds(text: str) -> float | None:
    if text in NO_VALUE:
        return None
    try:
        if text[-1].isalpha():
            return duration_to_ms(text)
        ms = Decimal(text) * 1000
    except (ArithmeticError, ValueError) as error:
        raise UnreadableField from error
    if not ms.is_finite() or not 0 <= ms < _MOST_MS:  # no number, or one with 999 digits
        raise UnreadableField
    return int(ms) if ms == int(ms) else float(round(ms, 6))


def _ms_or_seconds(text: str) -> float | None:
    return _seconds(text) if "." in text else number_of(text)


def _nanoseconds(text: str) -> float | None:
    return _seconds(f"{text}E-9")


def _milliseconds(text: str) -> float | None:
    return _seconds(f"{text}E-3")


def _microseconds(text: str) -> float | None:
    return _seconds(f"{text}E-6")


def _percent(text: str) -> str | None:
    value = text_of(text)
    return None if value is None else unquote(unquote(value))


def _plus(text: str) -> str | None:
    value = text_of(text)
    return None if value is None else value.replace("+", " ")


def _client_and_port(text: str) -> str | None:
    client = text.rpartition(":")[0] or text
    return None if client == "unix" else client_of(client)


def _path_of_route(text: str) -> str | None:
    """Return the path of a route of API Gateway, as ``GET /pets``; ``$default`` has none."""
    path = text.rpartition(" ")[2]
    return path if path.startswith("/") else None


def _route_request(text: str) -> RequestLine:
    """Read a request line that may have a route for a target, and so the method twice."""
    request = request_line(text_of(text))
    target = request.endpoint or ""
    return request if target.startswith("/") else request._replace(endpoint=_path_of_route(target))


def _version(text: str) -> str:
    return f"HTTP/{text}"


def _status(text: str) -> int | None:
    return None if text == "-1" else int(text)


def _last_timer(text: str) -> int | None:
    ms = int(re.split("[/ ]", text)[-1].removeprefix("+"))
    return None if ms < 0 else ms


_DIGITS_OF_TIMES = frozenset((*range(11), 13, 16, 19))
_is_common_time = re.compile(d.COMMON_TIME).fullmatch


def _any_time(text: str) -> str:
    """Read ISO 8601, Apache's time, or epoch seconds, ms, microseconds or nanoseconds by their digits."""
    if _is_common_time(text):
        return common_time(text)
    whole, _, fraction = text.partition(".")
    if "-" in text or len(whole) not in _DIGITS_OF_TIMES:
        return iso_time(text)
    is_fine = whole.isdecimal() and len(whole) > 10
    return epoch_time(f"{whole[:10]}.{whole[10:]}{fraction}" if is_fine else text)


def _field(field: str, read: d.Read, expected: str, pattern: str | None = None) -> d.Directive:
    return d.Directive(expected, (field,), read, pattern=pattern, is_bounded=pattern is not _QUOTED)


def _unescaped(field: str, pattern: str) -> d.Directive:
    return _field(field, _in_bare_quotes, "a text in quotes, or -", pattern)._replace(is_bounded=False)


_THREE_SECONDS = rf"{_SECOND} {_SECOND} {_SECOND}"
_PORTED = r"[0-9A-Za-z._:%\[\]*-]{1,255}:[0-9]{1,5}"
_NAME = r"[0-9A-Za-z._:%\[\]-]{1,255}"
_TIMERS = r"-?[0-9]{1,9}(?:/\+?-?[0-9]{1,9}){4}"
_URL_REQUEST = ("method", "host", "endpoint", "query", "protocol")


def _written(strftime: str) -> d.Directive:
    directive = d.strftime_part(strftime)
    assert directive is not None, strftime
    return directive


COLUMNS: dict[str, d.Directive] = {
    "text": d.SKIPPED, "list": d.SKIPPED_LIST, "digits": d.SKIPPED_DIGITS, "fraction": d.FRACTION,
    "client": d.CLIENT, "forwarded": d.FORWARDED, "host": d.HOST, "server_name": d.SERVER_NAME,
    "user": d.USER, "method": d.METHOD, "target": d.TARGET, "path": d.PATH, "query": d.QUERY,
    "protocol": d.PROTOCOL, "status": d.STATUS, "bytes": d.BYTES, "sent_bytes": d.BYTES_WITH_HEADERS,
    "referer": d.REFERER,
    "user_agent": d.USER_AGENT, "ms": d.MILLISECONDS, "time": d.TIME, "iso_time": d.ISO_TIME,
    "epoch": d.EPOCH, "epoch_us": d.EPOCH_US, "request": d.REQUEST,
    "utc_date": _written("%Y-%m-%d"),
    "utc_time": _written("%H:%M:%S")._replace(pattern=rf"{_HOUR}(?:\.[0-9]{{1,9}}+)?+"),
    "zoneless_time": _written("%d/%b/%Y:%H:%M:%S"), "gin_time": _written("%Y/%m/%d - %H:%M:%S"),
    "spaced_time": _written("%d/%b/%Y %H:%M:%S"), "ctime": _written("%a %b %e %H:%M:%S %Y"),
    "spaced_zoned_time": _written("%Y-%m-%d %H:%M:%S %z"),
    "month_day": _written("%m/%d")._replace(pattern=r"[0-9]{1,2}/[0-9]{1,2}"),
    "us_time": _written("%m/%d/%Y:%H:%M:%S %z"), "short_year": _written("%y"),
    "short_time": _written("%H:%M:%S")._replace(pattern=r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}"),
    "url_request": d.Directive("a request line with a whole URL", _URL_REQUEST, split=_url_request),
    "coloured_request": d.REQUEST._replace(split=_coloured_request),
    "haproxy_request": d.Directive("a request line", _URL_REQUEST, split=_haproxy_request),
    "route": _field("endpoint", _path_of_route, "a method and a path")._replace(weak=2),
    "route_request": d.REQUEST._replace(split=_route_request),
    # A TCP connection has neither a request nor a status.
    "http_request": d.REQUEST._replace(
        pattern=r'(?!- - -" 0 )[^"\\]*+(?:\\.[^"\\]*+)*+', is_bounded=False
    ),
    "unescaped_request": d.Directive(
        "a request line in quotes, or -", RequestLine._fields,
        split=lambda text: request_line(_in_bare_quotes(text)), pattern=_S3_REQUEST, is_bounded=False,
    ),
    "unescaped_referer": _unescaped("referer", _S3_REFERER),
    "unescaped_agent": _unescaped("user_agent", f"-|{_LAST_QUOTED}"),
    "quoted_referer": _field("referer", _in_quotes, "a text in quotes, or -", _QUOTED),
    "quoted_agent": _field("user_agent", _in_quotes, "a text in quotes, or -", _QUOTED),
    "url": d.Directive("a URL", ("host", "endpoint", "query"), split=host_and_target),
    "uri": d.Directive("a path or URL", ("host", "endpoint", "query"), split=host_before_path),
    "three_seconds": _field("response_time_ms", _sum_of_seconds, "three times in seconds", _THREE_SECONDS),
    "ms_or_seconds": _field(
        "response_time_ms", _ms_or_seconds, "milliseconds, or seconds with decimals",
        r"-|[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+",
    ),
    "seconds": _field("response_time_ms", _seconds, "seconds"),
    "float_ms": _field("response_time_ms", _milliseconds, "milliseconds"),
    "nanoseconds": _field("response_time_ms", _nanoseconds, "nanoseconds"),
    "microseconds": _field("response_time_ms", _microseconds, "microseconds"),
    "client_and_port": _field("ip", _client_and_port, "an address with its port", _PORTED),
    "quoted_forwarded": d.FORWARDED._replace(
        read=lambda text: forwarded_client(text.strip('"')),
        pattern=rf'{_LAST_QUOTED}|[^ "]{{0,300}}+',
        is_bounded=False,
    ),
    "client_list": _field("ip", first_client, "addresses", rf"{_NAME}(?:, ?{_NAME}){{0,9}}"),
    "proxy_and_port": _field("ip", _client_and_port, "an address with its port", _PORTED)._replace(weak=2),
    "any_status": _field("status", number_of, "a status", "-|[0-9]{1,3}"),
    "version": _field("protocol", _version, "a version of HTTP", "[0-9.]{1,5}"),
    "status_or_minus": _field("status", _status, "three digits or -1", "-1|[0-9]{3}"),
    "timers": _field("response_time_ms", _last_timer, "times with / between them", _TIMERS),
    "five_timers": _field("response_time_ms", _last_timer, "five times", _TIMERS.replace("/", " ")),
    "proxy": d.PROXY, "proxied": d.PROXIED,
    "any_time": d.Directive("a time", time=_any_time),
    "percent_agent": _field("user_agent", _percent, "a text"),
    "percent_referer": _field("referer", _percent, "a text"),
    "plus_agent": _field("user_agent", _plus, "a text"),
}  # fmt: skip
"""What a data file may name."""


def layout_parts(layout: str, origin: str) -> list[d.Part]:
    """Return the parts of a layout as ``<client> [<time>] "<request>"``; ``<name=pattern>`` is skipped."""
    parts: list[d.Part] = []
    at = 0
    for match in _COLUMN.finditer(layout):
        parts += layout[at : match.start()], (match[1], _directive(match, origin))
        at = match.end()
    parts = [part for part in [*parts, layout[at:]] if part != ""]
    return [_between_spaces(parts, place) for place in range(len(parts))]


def _between_spaces(parts: list[d.Part], place: int) -> d.Part:
    """Return a part; a text that neither a quotation mark nor a bracket begins ends at the next space."""
    part = parts[place]
    if isinstance(part, str) or part[1].pattern is not None:
        return part
    before, following = parts[place - 1] if place else "", parts[place + 1] if place + 1 < len(parts) else ""
    is_bare = isinstance(before, str) and before[-1:] not in ('"', "[")
    if not is_bare or not isinstance(following, str) or following[:1] not in _ENDS_OF_TEXT:
        return part
    if part[0] == "user" and following.startswith(" ["):  # the client may have typed any name
        return part
    return part[0], part[1]._replace(pattern=_ENDS_OF_TEXT[following[0]], is_bounded=False)


def as_it_is(directive: d.Directive) -> d.Directive:
    """Return the directive for texts in which nothing is escaped."""
    read, split = directive.read, directive.split
    return directive._replace(
        read=None if read is None else lambda text: read(_escaped(text)),
        split=None if split is None else lambda text: split(_escaped(text)),
    )


def _escaped(text: str) -> str:
    # NUL as in lines of text: hardly a database takes one.
    return text.replace("\\", "\\\\").replace("\0", r"\\x00") if "\\" in text or "\0" in text else text


def _directive(match: re.Match[str], origin: str) -> d.Directive:
    if match[2]:
        return d.Directive(f"a text as {match[2]}", pattern=match[2])
    return column_named(match[1], origin)


def column_named(name: str, origin: str) -> d.Directive:
    """Return the directive for a word; raise `Misconfigured` if there is none."""
    if name not in COLUMNS:
        raise Misconfigured(f"format {origin} has column {name!r}; expected one of {', '.join(COLUMNS)}")
    return COLUMNS[name]
