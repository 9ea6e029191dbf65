"""Lines: raw bytes in, one line of text out, or what was expected where; and what such a line says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from dataflow.errors import InvalidEvent, Reason


class LoggedRequest(msgspec.Struct, gc=False, kw_only=False):
    """The parts of an access log line; null where the line has no value.

    Names, order and meaning are those of `models.access_log_entry.AccessLogEntry`, which documents them.
    """

    ip: str | None = None
    ts: str | None = None
    host: str | None = None
    ident: str | None = None
    user: str | None = None
    method: str | None = None
    endpoint: str | None = None
    query: str | None = None
    protocol: str | None = None
    status: int | None = None
    bytes: int | None = None
    referer: str | None = None
    user_agent: str | None = None
    response_time_ms: float | None = None


class DetailedRequest(LoggedRequest, gc=False, kw_only=False):
    """The parts of a line that says more than an `AccessLogEntry` has fields for."""

    more: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    """What else it says, by the names that it has there."""

    @classmethod
    def of(cls, request: LoggedRequest, more: Mapping[str, str | None]) -> "DetailedRequest":
        """Return a request with what else its line says; what it had of that kind stays."""
        known = request.more if isinstance(request, DetailedRequest) else {}
        values = {name: getattr(request, name) for name in LoggedRequest.__struct_fields__}
        return cls(**values, more={**more, **known})


def text_of_line(raw: bytes) -> str:
    r"""Return the text in `raw` without its line end.

    Bytes that are not UTF-8 become ``\xHH``, which is how Apache and nginx write them: the
    request happened, and no byte of it is lost.
    """
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


_BEFORE_A_LINE = frozenset(("", "\0", "\ufeff"))


def line_of(raw: bytes) -> str:
    """Return the line in `raw`, as `text_of_line`; raise `InvalidEvent` if it is empty.

    A byte order mark at the begin of a file, and the hole of NULs that a truncated file leaves in front
    of the next line, are no part of it. Any other NUL is a dead letter: no server writes one, but a file
    system may after a crash.
    """
    line = str(raw, "utf-8", "backslashreplace").rstrip("\r\n")
    if line[:1] in _BEFORE_A_LINE:
        line = line.lstrip("\0").removeprefix("\ufeff")
    if not line or line.isspace():
        raise InvalidEvent(Reason.EMPTY, "line is empty; expected an access log line")
    if "\0" in line:
        at = line.index("\0") + 1
        raise InvalidEvent(Reason.UNPARSABLE, f"line has a NUL at column {at}; expected text")
    return line


_SHOWN = 40


class Step(NamedTuple):
    """One part of a line."""

    name: str
    up_to: re.Pattern[str]
    """Matches the line up to the end of this part."""
    expected: str


class Explained(NamedTuple):
    """A column of a line, and its text."""

    name: str
    text: str


def steps_of(parts: Iterable[tuple[str, str, str]]) -> list[Step]:
    """Return the steps of parts that stand in this order: name, pattern and what it expects."""
    steps: list[Step] = []
    so_far = ""
    for name, pattern, expected in parts:
        so_far += f"(?:{pattern})"
        steps.append(Step(name, re.compile(so_far, re.DOTALL), expected))
    return steps


def explained(line: str, steps: Sequence[Step], begin: int = 0) -> list[Explained]:
    """Return the parts of a line up to where it breaks off."""
    columns: list[Explained] = []
    at = begin
    for step in steps:
        match = step.up_to.match(line, begin)
        if match is None:
            break
        columns.append(Explained(step.name, line[at : match.end()]))
        at = match.end()
    return columns


def fault_of(line: str, steps: Sequence[Step], begin: int = 0) -> InvalidEvent:
    """Return why `line` is not what `steps` describe from `begin` on: the first part that is wrong."""
    at = begin
    for step in steps:
        match = step.up_to.match(line, begin)
        if match is None:
            return _unparsable(step.name, line, at, step.expected)
        at = match.end()
    return _unparsable("rest of the line", line, at, "nothing more")


def _unparsable(name: str, line: str, at: int, expected: str) -> InvalidEvent:
    shown = line[at : at + _SHOWN]
    actual = repr(shown) if shown else "missing"
    return InvalidEvent(Reason.UNPARSABLE, f"{name} is {actual} at column {at + 1}; expected {expected}")
