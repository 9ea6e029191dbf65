"""Usual formats: parses combined and common log lines, with fields that servers put before or after."""

import re
from collections import Counter
from functools import partial
from zoneinfo import ZoneInfo

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.access_log.fronts import NAME, Front, front_of
from dataflow.stages.access_log.lines import (
    BrokenOff,
    Explained,
    LoggedRequest,
    explained,
    line_of,
    steps_of,
)
from dataflow.stages.access_log.response_times import SHORTEST_EPOCH, ResponseTimes, unless_epoch
from dataflow.stages.access_log.stored_lines import read_stored
from dataflow.stages.access_log.times import utc_time
from dataflow.stages.access_log.values import request_line, text_of
from dataflow.stages.bounded_cache import BoundedCache

# All repeats are possessive (`*+`) and never backtrack, so the time to match or to reject a line
# is linear in its length.
_FRONT = rf"{NAME}[^\[]*+(?<= )"
_TIME = r"[^\]]{17}:[0-5][0-9] [^\]]{5}"
_ANY_TIME = (
    r"(?:[0-9A-Za-z/]{11}:[0-9]{2}:[0-9]{2}:[0-5][0-9](?:[.,][0-9]{1,9}+)?+"
    r" (?:[+-][0-9]{2}:?[0-9]{2}|Z|GMT|UTC)"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]{1,9}+)?+ ?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
    # Without a zone, which the settings name
    r"|(?:[0-9A-Za-z/]{11}:|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])[0-9]{2}:[0-9]{2}:[0-5][0-9](?:[.,][0-9]{1,9}+)?+)"
)
_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_HTTP = r'([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))?+ ([A-Z]++/[0-9.]++)'
_ADDRESS = r"(?=[0-9A-Fa-f.]*+:|(?:[0-9]++\.){3})[0-9A-Fa-f.:]{3,45}+"
_ADDRESSES = rf"{_ADDRESS}(?:, ?{_ADDRESS})*+"
# nginx lists the times of all upstreams that it asked.
_SECONDS = r"(?:-|[0-9]{1,12}+\.[0-9]{1,9}+)"
_UPSTREAM_TIMES = rf"{_SECONDS}(?:(?:, | : ){_SECONDS})++"


def _response_time(space: str) -> str:
    return rf"(?:{space}(-|[0-9]{{1,12}}+(?:\.[0-9]{{1,9}}+)?+)(?= |\Z))?+"


def _after_time(space: str) -> str:
    # The usual request is taken apart here, any other one is left whole.
    return (
        rf'(?:"{_HTTP}"|{_QUOTED}){space}([0-9]{{3}}|-){space}(-|[0-9]{{1,18}}+)'
        rf"(?:{space}{_QUOTED}{space}{_QUOTED})?+{_response_time(space)}"
        rf"(?:{space}(?:(?:X-Forwarded-For=)?+{_QUOTED}|{_ADDRESSES}|{_UPSTREAM_TIMES}))?+"
        rf"{_response_time(space)}"
    )


_match = re.compile(rf"({_FRONT})\[({_TIME})\] " + _after_time(" ") + r"\Z", re.DOTALL).match
# The same with any number of spaces, and with brackets in the name of a user. A quotation mark in what a
# client sent is escaped: the first one behind a time begins the request.
_TIME_AND_QUOTE = rf'{_ANY_TIME}\] ++"'
_match_loosely = re.compile(
    rf" *+((?:[^\[]++|\[(?!{_TIME_AND_QUOTE}))*+)\[({_ANY_TIME})\] ++" + _after_time(" ++") + r"[ \t]*+\Z",
    re.DOTALL,
).match
_find_time = re.compile(rf"\[{_TIME_AND_QUOTE}").search
_are_addresses = re.compile(rf"-|unknown|{_ADDRESSES}").fullmatch

_FRONT_STEPS = (
    ("client, ident and user", _FRONT, "an address or host name and two names"),
    ("time", rf"\[{_ANY_TIME}\](?: ++|\Z)", "a time as [17/May/2015:10:05:03 +0000]"),
    ("request", "(?!)", "a request line in quotes"),
)
_STEPS = (
    ("request", rf"{_QUOTED}(?: ++|\Z)", "a request line in quotes"),
    ("status", r"(?:[0-9]{3}|-)(?: ++|\Z)", "three digits"),
    ("bytes", r"(?:-|[0-9]{1,18}+)(?= |\Z)", "a whole number or -"),
    ("referer", rf' ++{_QUOTED}|(?! ++")', "a text in quotes"),
    ("user agent", rf' ++{_QUOTED}|(?! ++")', "a text in quotes"),
    ("response time", _response_time(" ++"), "a number"),
    ("X-Forwarded-For", rf' ++(?:X-Forwarded-For=)?+{_QUOTED}|(?! ++")', "a text in quotes"),
)
_front_steps, _steps = steps_of(_FRONT_STEPS), steps_of(_STEPS)


class UsualFormats:
    """Parses lines of the usual formats, whoever collected them."""

    def __init__(self, zone: str | None = None) -> None:
        """Take the zone of times without one; lines with such a time are refused if it is null."""
        self._response_times = ResponseTimes()
        # Many lines share a second.
        self._times = BoundedCache[str, str](partial(utc_time, None if zone is None else ZoneInfo(zone)))

    @property
    def unreadable(self) -> Counter[str]:
        """How often the text of a field could not be read: never, such lines are refused."""
        return Counter()

    @property
    def fault(self) -> str | None:
        """Return why the numbers behind the lines cannot be milliseconds; null if they can."""
        return self._response_times.fault

    def parse(self, raw: bytes) -> LoggedRequest:
        """Return the request in a line of a usual format.

        Usual is ``[host] ip ident user [time] "request" status bytes ["referer" "user agent"]``
        and after it, each at most once, a response time and a list of ``X-Forwarded-For``.
        Anything else is an `InvalidEvent` that says what was expected where.
        """
        line = str(raw, "utf-8", "backslashreplace").rstrip("\r\n")
        match = _match(line)
        if match is not None and "\0" not in line:
            try:
                return self._request(match)
            except InvalidEvent:  # a line in a wrapping can look like one without
                pass
        return read_stored(line_of(raw), self._read)

    def explain(self, line: str) -> tuple[str, list[Explained]]:
        """Return the name of the format, and the columns of a line up to where it breaks off."""
        time = _find_time(line)
        front = explained(line, _front_steps)
        return "combined", front if time is None else [*front, *explained(line, _steps, time.end() - 1)]

    def _read(self, line: str) -> LoggedRequest:
        match = _match_loosely(line)
        if match is not None:
            return self._request(match)
        time = _find_time(line)
        raise BrokenOff(line, _front_steps) if time is None else BrokenOff(line, _steps, time.end() - 1)

    def _request(self, match: re.Match[str]) -> LoggedRequest:
        (front, time, method, endpoint, query, protocol, request, status, size,
         referer, agent, response_time, forwarded, last) = match.groups()  # fmt: skip
        ip, host, ident, user = _fronts[front]
        ts = self._times[time]
        if request is not None:
            method, endpoint, query, protocol = request_line(text_of(request))
        if len(response_time or "") >= SHORTEST_EPOCH or len(last or "") >= SHORTEST_EPOCH:
            response_time, last = unless_epoch(response_time, ts), unless_epoch(last, ts)
        if last is not None or (forwarded is not None and agent is None):
            response_time = _one_time(response_time, last, None if agent else forwarded)
        # Nearly every text is longer than the forms of no value, and has no escapes.
        if referer is not None and (len(referer) < 2 or "\\" in referer):
            referer = text_of(referer)
        if agent is not None and (len(agent) < 2 or "\\" in agent):
            agent = text_of(agent)
        return LoggedRequest(
            ip, ts, host, ident, user, method, endpoint, query or None, protocol,
            None if status == "-" else int(status), None if size == "-" else int(size), referer, agent,
            None if response_time is None else self._response_times.ms_of(response_time),
        )  # fmt: skip


def _one_time(first: str | None, last: str | None, forwarded: str | None) -> str | None:
    """Return the response time among the fields at the end; refuse ambiguous ones."""
    if forwarded is not None and not _are_addresses(forwarded):
        actual, expected = f'"{forwarded[:40]}"', "addresses, or a referer and a user agent"
    elif first in (None, "-") or last in (None, "-"):
        return last if first in (None, "-") else first
    elif "." in first and "." in last:  # nginx's time of the request contains that of the upstream
        return max(first, last, key=float)
    else:
        actual, expected = f"{first} and {last}", "one response time, or DATAFLOW_ACCESS_LOG_FORMAT"
    raise InvalidEvent(Reason.UNPARSABLE, f"rest of the line is {actual}; expected {expected}")


# A client comes back; its names are taken apart once.
_fronts: BoundedCache[str, Front] = BoundedCache(front_of)

parse = UsualFormats().parse
"""Parses a line on its own: for a test."""
