"""Lines: raw bytes in, one line of text out, or what was expected where; and what such a line says."""

import re
from collections.abc import Iterable, Sequence
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


def text_of_line(raw: bytes) -> str:
    r"""Return the text in `raw` without its line end.

    Bytes that are not UTF-8 become ``\xHH``, which is how Apache and nginx write them: the
    request happened, and no byte of it is lost.
    """
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


def line_of(raw: bytes) -> str:
    """Return the line in `raw`, as `text_of_line`; raise `InvalidEvent` if it is empty.

    A NUL is a dead letter: no server writes one, but a file system may after a crash.
    """
    line = text_of_line(raw)
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


def steps_of(parts: Iterable[tuple[str, str, str]]) -> list[Step]:
    """Return the steps of parts that stand in this order: name, pattern and what it expects."""
    steps: list[Step] = []
    so_far = ""
    for name, pattern, expected in parts:
        so_far += f"(?:{pattern})"
        steps.append(Step(name, re.compile(so_far, re.DOTALL), expected))
    return steps


def fault_of(line: str, steps: Sequence[Step]) -> InvalidEvent:
    """Return why `line` is not what `steps` describe: the first part that is not as expected."""
    at = 0
    for step in steps:
        match = step.up_to.match(line)
        if match is None:
            return _unparsable(step.name, line, at, step.expected)
        at = match.end()
    return _unparsable("rest of the line", line, at, "nothing more")


def _unparsable(name: str, line: str, at: int, expected: str) -> InvalidEvent:
    shown = line[at : at + _SHOWN]
    actual = repr(shown) if shown else "missing"
    return InvalidEvent(Reason.UNPARSABLE, f"{name} is {actual} at column {at + 1}; expected {expected}")
