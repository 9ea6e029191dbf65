"""Usual formats: parses combined and common log lines, with fields that servers put before or after."""

import re
from typing import NamedTuple

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.lines import LoggedRequest, fault_of, line_of, steps_of, text_of_line
from dataflow.stages.access_log.times import common_time
from dataflow.stages.access_log.values import (
    first_address,
    host_of,
    request_line,
    response_time_ms,
    text_of,
    user_of,
)
from dataflow.stages.bounded_cache import BoundedCache

# All repeats are possessive (`*+`) and never backtrack, so the time to match or to reject a line
# is linear in its length.
_NAME = r"[0-9A-Za-z._:%\[\]*-]++"
_NAMES = rf"{_NAME}(?:, ?{_NAME})*+"
_FRONT = rf"{_NAME}[^\[]*+(?<= )"
_TIME = r"[^\]]{17}:[0-5][0-9] [^\]]{5}"
_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_HTTP = r'([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))?+ ([A-Z]++/[0-9.]++)'
_RESPONSE_TIME = r"(?: (-|[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+)(?= |\Z))?+"
_ADDRESS = r"(?=[0-9A-Fa-f]*+[.:])[0-9A-Fa-f.:]{3,45}+"
_ADDRESSES = rf"{_ADDRESS}(?:, ?{_ADDRESS})*+"

_match = re.compile(
    rf"({_FRONT})\[({_TIME})\] "
    # The usual request is taken apart here, any other one is left whole.
    rf'(?:"{_HTTP}"|{_QUOTED}) '
    rf"([0-9]{{3}}) (-|[0-9]{{1,18}}+)(?: {_QUOTED} {_QUOTED})?+"
    rf"{_RESPONSE_TIME}(?: (?:{_QUOTED}|{_ADDRESSES}))?+{_RESPONSE_TIME}\Z",
    re.DOTALL,
).match
_match_front = re.compile(rf"({_NAMES}) ([^ ]++) (.*) ", re.DOTALL).fullmatch
# An ident is `-` (nobody runs identd any more), a client never is: so a host is in front.
_match_host_front = re.compile(rf"({_NAME}) (?!- )({_NAMES}) ([^ ]++) (.*) ", re.DOTALL).fullmatch
_are_addresses = re.compile(rf"-|unknown|{_ADDRESSES}").fullmatch

_STEPS = steps_of(
    (
        ("client, ident and user", _FRONT, "an address or host name and two names"),
        ("time", rf"\[{_TIME}\] ", "a time as [17/May/2015:10:05:03 +0000]"),
        ("request", rf"{_QUOTED} ", "a request line in quotes"),
        ("status", "[0-9]{3} ", "three digits"),
        ("bytes", r"(?:-|[0-9]{1,18}+)(?= |\Z)", "a whole number or -"),
        ("referer", rf' {_QUOTED}|(?! ")', "a text in quotes"),
        ("user agent", rf' {_QUOTED}|(?! ")', "a text in quotes"),
        ("response time", _RESPONSE_TIME, "a number"),
        ("X-Forwarded-For", rf' {_QUOTED}|(?! ")', "a text in quotes"),
    )
)


class _Front(NamedTuple):
    ip: str | None
    host: str | None
    ident: str | None
    user: str | None


def parse(raw: bytes) -> LoggedRequest:
    """Return the request in a line of a usual format.

    Usual is ``[host] ip ident user [time] "request" status bytes ["referer" "user agent"]``
    and after it, each at most once, a response time and a list of ``X-Forwarded-For``.
    Anything else is an `InvalidEvent` that says what was expected where.
    """
    line = text_of_line(raw)
    match = _match(line)
    if match is None or "\0" in line:
        raise fault_of(line_of(raw), _STEPS)
    (front, time, method, endpoint, query, protocol, request, status, size,
     referer, agent, response_time, forwarded, last) = match.groups()  # fmt: skip
    ip, host, ident, user = _fronts[front]
    if request is not None:
        method, endpoint, query, protocol = request_line(text_of(request))
    if last is not None or (forwarded is not None and agent is None):
        response_time = _response_time(response_time, last, None if agent else forwarded)
    # Nearly every text is longer than the forms of no value, and has no escapes.
    if referer is not None and (len(referer) < 2 or "\\" in referer):
        referer = text_of(referer)
    if agent is not None and (len(agent) < 2 or "\\" in agent):
        agent = text_of(agent)
    return LoggedRequest(
        ip, _times[time], host, ident, user, method, endpoint, query or None, protocol, int(status),
        None if size == "-" else int(size), referer, agent,
        None if response_time is None else response_time_ms(response_time),
    )  # fmt: skip


def _front_of(text: str) -> _Front:
    if match := _match_host_front(text):
        host, ip, ident, user = match.groups()
        return _Front(first_address(ip), host_of(host), text_of(ident), user_of(user))
    if match := _match_front(text):
        ip, ident, user = match.groups()
        return _Front(first_address(ip), None, text_of(ident), user_of(user))
    raise InvalidEvent(
        Reason.UNPARSABLE,
        f"client, ident and user are {text[:40]!r} at column 1; "
        "expected an address or host name and two names",
    )


def _response_time(first: str | None, last: str | None, forwarded: str | None) -> str | None:
    """Return the response time among the fields at the end; refuse ambiguous ones."""
    if forwarded is not None and not _are_addresses(forwarded):
        actual, expected = f'"{forwarded[:40]}"', "addresses, or a referer and a user agent"
    elif None not in (first, last) and "-" not in (first, last):
        actual, expected = f"{first} and {last}", "one response time, or a format that tells them apart"
    else:
        return last if first in (None, "-") else first
    raise InvalidEvent(Reason.UNPARSABLE, f"rest of the line is {actual}; expected {expected}")


# Many lines share a second.
_times: BoundedCache[str, str] = BoundedCache(common_time)
# A client comes back; its names are taken apart once.
_fronts: BoundedCache[str, _Front] = BoundedCache(_front_of)
