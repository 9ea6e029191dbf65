"""Directives: the kinds of values that servers log; what each looks like and gives."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dataflow.stages.access_log.clients import client_of, forwarded_client
from dataflow.stages.access_log.times import common_time, epoch_ms_time, epoch_time, epoch_us_time, iso_time
from dataflow.stages.access_log.values import (
    RequestLine,
    host_of,
    microseconds_to_ms,
    number_of,
    request_line,
    seconds_to_ms,
    target_parts,
    text_of,
    user_of,
)

Value = str | int | float | None
Read = Callable[[str], Value]

# All are bounded: they are also looked for behind texts that a client wrote, which stays linear so.
# Not possessive: a port may be written behind it.
_WORD = r"[0-9A-Za-z._:%\[\]*-]{0,255}"
_WHOLE = r"-|[0-9]{0,18}+"
_SECONDS = r"-|(?:[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+)?+"
COMMON_TIME = r"[0-9A-Za-z/]{11}:[0-9]{2}:[0-9]{2}:[0-5][0-9](?:[.,][0-9]{1,9}+)?+ [+-][0-9]{4}"


class Directive(NamedTuple):
    """One kind of value in a line."""

    expected: str
    """What it must look like, for people."""
    fields: tuple[str, ...] = ()
    """The fields of `LoggedRequest` that it gives."""
    read: Callable[[str], Value] | None = None
    """From its text to the value of its one field."""
    split: Callable[[str], Sequence[Value]] | None = None
    """From its text to the values of its several fields."""
    pattern: str | None = None
    """What it looks like; null: any text up to what follows it in the format."""
    weak: int = 0
    """Gives way to another directive that gives the same field and is less weak."""
    time: Callable[[str], str] | None = None
    """From its text to the time in UTC, if it is one."""
    is_fine: bool = False
    """The time has milliseconds."""
    strptime: str | None = None
    """For a part of a time: how it was written."""
    is_fraction: bool = False
    """It is the fraction of the time's second."""
    extra: str | None = None
    """The name under which its text is kept, if it is none of the fields."""
    is_list: bool = False
    """It is any text, and may have spaces behind its commas."""
    is_bounded: bool = True
    """How far its pattern looks does not depend on the line."""


Part = str | tuple[str, Directive]
"""A text that stands in the line as it is, or a directive as it is written and what it is."""


def kept_as(name: str) -> Directive:
    """Return the directive for a text that is kept under a name of its own."""
    return Directive("a text", extra=name)


def _field(field: str, read: Callable[[str], Value], expected: str, pattern: str | None = None) -> Directive:
    return Directive(expected, (field,), read, pattern=pattern)


SKIPPED = Directive("a text")
SKIPPED_LIST = Directive("values", pattern=r"[^ ,\"]*+(?:(?:, ?| : )[^ ,\"]*+)*+", is_bounded=False)
SKIPPED_DIGITS = Directive("digits", pattern="-|[0-9]{0,20}+")
SKIPPED_WORD = Directive("digits or a name", pattern=r"[0-9A-Za-z._!-]{0,128}+")
"""Sizes of Apache; Tomcat has its threads and sessions there."""
FRACTION = Directive("digits", pattern="[0-9]{1,9}+", is_fraction=True)

CLIENT = _field("ip", client_of, "an address or a host name", _WORD)
PROXY = CLIENT._replace(weak=2)
PROXIED = CLIENT._replace(weak=-1)
# A client can write anything into these headers: what is no address there costs the field, not the line.
FORWARDED = _field("ip", forwarded_client, "a text")._replace(weak=True, is_list=True)
HOST = _field("host", host_of, "a text")
SERVER_NAME = HOST._replace(weak=True)
IDENT = _field("ident", text_of, "a name or -")
USER = _field("user", user_of, "a name or -")
REQUEST = Directive("a request line", RequestLine._fields, split=lambda text: request_line(text_of(text)))
METHOD = _field("method", text_of, "a method")
TARGET = Directive(
    "a path with its query", ("endpoint", "query"), split=lambda text: target_parts(text_of(text) or "")
)
PATH = _field("endpoint", text_of, "a path")._replace(weak=True)
QUERY = _field("query", lambda text: text_of(text.removeprefix("?")), "a query")._replace(weak=True)
PROTOCOL = _field("protocol", text_of, "a protocol", "-|(?:[A-Z]{1,16}+/[0-9.]{1,8}+)?+")
STATUS = _field("status", number_of, "three digits", "-|[0-9]{3}")
BYTES = _field("bytes", number_of, "a whole number or -", _WHOLE)
BYTES_WITH_HEADERS = BYTES._replace(weak=True)
REFERER = _field("referer", text_of, "a text")
USER_AGENT = _field("user_agent", text_of, "a text")
MILLISECONDS = _field("response_time_ms", number_of, "whole milliseconds", _WHOLE)
MICROSECONDS = _field("response_time_ms", microseconds_to_ms, "whole microseconds", _WHOLE)
SECONDS = _field("response_time_ms", seconds_to_ms, "seconds", _SECONDS)
WHOLE_SECONDS = SECONDS._replace(weak=True)

TIME = Directive("a time as 17/May/2015:10:05:03 +0000", pattern=COMMON_TIME, time=common_time)
BRACKETED_TIME = Directive(
    "a time as [17/May/2015:10:05:03 +0000]",
    pattern=rf"\[{COMMON_TIME}\]",
    time=lambda text: common_time(text[1:-1]),
)
ISO_TIME = Directive(
    "a time as 2015-05-17T10:05:03+00:00",
    pattern=r"[0-9T:-]{19}(?:[.,][0-9]{1,9}+)?+(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    time=iso_time,
)
EPOCH = Directive("epoch seconds", pattern=r"[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+", time=epoch_time, is_fine=True)
WHOLE_EPOCH = Directive("epoch seconds", pattern="[0-9]{1,12}+", time=epoch_time)
EPOCH_MS = Directive("epoch milliseconds", pattern="[0-9]{4,15}+", time=epoch_ms_time, is_fine=True)
EPOCH_US = Directive("epoch microseconds", pattern="[0-9]{7,18}+", time=epoch_us_time, is_fine=True)

_STRFTIME = {
    "d": "[0-9]{2}", "e": "[ 0-9][0-9]", "m": "[0-9]{2}", "y": "[0-9]{2}", "Y": "[0-9]{4}",
    "b": "[A-Za-z]{3}", "h": "[A-Za-z]{3}", "B": "[A-Za-z]{3,9}", "a": "[A-Za-z]{3}", "A": "[A-Za-z]{3,9}",
    "j": "[0-9]{3}", "H": "[0-9]{2}", "I": "[0-9]{2}", "M": "[0-9]{2}", "S": "[0-9]{2}",
    "p": "[AaPp][Mm]", "z": "[+-][0-9]{4}", "%": "%",
}  # fmt: skip
_STRFTIME_SHORT = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d", "%D": "%m/%d/%y"}


def strftime_part(written: str) -> Directive | None:
    """Return the directive for a strftime format; null if it has a part that cannot be read."""
    if written == "%s":
        return WHOLE_EPOCH
    for short, long in _STRFTIME_SHORT.items():
        written = written.replace(short, long)
    literals = re.split("%(.)", written)
    for index, part in enumerate(literals):
        if index % 2 == 0:
            literals[index] = re.escape(part)
        elif part in _STRFTIME:
            literals[index] = _STRFTIME[part]
        else:
            return None
    strptime = written.replace("%e", "%d").replace("%h", "%b")
    return Directive(f"a time as {written}", pattern="".join(literals), strptime=strptime)
