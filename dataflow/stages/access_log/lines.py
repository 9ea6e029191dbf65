"""Lines: raw bytes in, one line of text out, or what was expected where; and what such a line says."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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


_BEFORE_A_LINE = frozenset(("\0", "\ufeff"))


def text_of_line(raw: bytes) -> str:
    r"""Return the text of the line in `raw`, without its end.

    Bytes that are not UTF-8 become ``\xHH``, which is how Apache and nginx write them: the
    request happened, and no byte of it is lost. A byte order mark at the begin of a file, and the
    hole of NULs that a truncated file leaves in front of the next line, are no part of it.
    """
    line = str(raw, "utf-8", "backslashreplace").rstrip("\r\n")
    return line.lstrip("\0").removeprefix("\ufeff") if line[:1] in _BEFORE_A_LINE else line


def line_of(raw: bytes) -> str:
    """Return the line in `raw`, as `text_of_line`; raise `InvalidEvent` if it is empty, or holds a NUL.

    No server writes one, but a file system may after a crash.
    """
    line = text_of_line(raw)
    if not line or line.isspace():
        raise InvalidEvent(Reason.EMPTY, "line is empty; expected an access log line")
    if "\0" in line:
        at = line.index("\0") + 1
        raise InvalidEvent(Reason.UNPARSABLE, f"line has a NUL at column {at}; expected text")
    return line


NO_REQUEST = "no_request"
"""The rule that drops a line of a known format that tells of no request, as of a TCP connection in a mesh."""

_SHOWN = 40


@dataclass(frozen=True)
class Step:
    """One part of a line."""

    name: str
    pattern: str
    """Matches the line up to the end of this part."""
    expected: str

    @cached_property
    def up_to(self) -> re.Pattern[str]:
        """Return the pattern compiled: all of them take far longer than the format, and few are asked for."""
        return re.compile(self.pattern, re.DOTALL)


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
        steps.append(Step(name, so_far, expected))
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


class BrokenOff(InvalidEvent):
    """A line that is not what the steps of a format describe: the first part that is wrong.

    It is looked for when somebody asks: of nearly all formats that are tried nobody does.
    """

    def __init__(self, line: str, steps: Sequence[Step], begin: int = 0) -> None:
        Exception.__init__(self, line)
        self.reason = Reason.UNPARSABLE
        self._broken = line, steps, begin

    @property
    def detail(self) -> str:  # type: ignore[override]  # a text there, too
        """Return which part is wrong, and what was expected."""
        return _detail_of(*self._broken)

    def __str__(self) -> str:
        """Return the message, without passwords as any other."""
        return str(InvalidEvent(self.reason, self.detail))


def _detail_of(line: str, steps: Sequence[Step], begin: int) -> str:
    # Where one breaks off, so do all behind it.
    whole = bisect_left(steps, True, key=lambda step: step.up_to.match(line, begin) is None)
    match = steps[whole - 1].up_to.match(line, begin) if whole else None
    at = begin if match is None else match.end()
    if whole == len(steps):
        expected = "nothing more, or DATAFLOW_ACCESS_LOG_FORMAT as in the server's configuration"
        return _wrong("rest of the line", line, at, expected)
    return _wrong(steps[whole].name, line, at, steps[whole].expected)


def _wrong(name: str, line: str, at: int, expected: str) -> str:
    shown = line[at : at + _SHOWN]
    actual = repr(shown) if shown else "missing"
    return f"{name} is {actual} at column {at + 1}; expected {expected}"
