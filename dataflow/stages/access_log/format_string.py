"""Format string: what stands in a server's configuration in, a parser of its lines out."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from dataflow.errors import Misconfigured
from dataflow.stages.access_log.apache import apache_parts
from dataflow.stages.access_log.directives import Directive, Part, Value
from dataflow.stages.access_log.lines import LoggedRequest, fault_of, line_of, steps_of
from dataflow.stages.access_log.nginx import is_nginx, nginx_parts
from dataflow.stages.access_log.times import formatted_time
from dataflow.stages.bounded_cache import BoundedCache

_FIELDS = LoggedRequest.__struct_fields__
_TS = _FIELDS.index("ts")


def compile_format(text: str) -> "LineFormat":
    """Compile an Apache ``LogFormat`` or nginx ``log_format``, bare or as the whole statement.

    Raises `Misconfigured` naming the directive at fault: one that the server does not
    have, two with nothing between them to tell where one ends, or no time at all.
    """
    if is_nginx(text):
        parts, escapes = nginx_parts(text)
    elif "%" in text:
        parts, escapes = apache_parts(text), True
    else:
        raise Misconfigured(f"log format is {text!r}; expected Apache's %directives or nginx's $variables")
    return LineFormat([part for part in parts if part != ""], escapes=escapes)


class LineFormat:
    """Parses lines that were written by one format."""

    def __init__(self, parts: Sequence[Part], *, escapes: bool) -> None:
        _refuse_neighbours(parts)
        directives = [part[1] for part in parts if not isinstance(part, str)]
        self._time_groups, read_time = _time(directives)
        patterns = _patterns(parts, escapes=escapes)
        self._match = re.compile("".join(patterns) + r"\Z", re.DOTALL).match
        self._steps = steps_of(map(_step, parts, patterns))
        self._times: BoundedCache[str, str] = BoundedCache(read_time)
        # The weak ones first: what others give for the same field replaces it.
        ranked = sorted(enumerate(directives), key=lambda numbered: not numbered[1].weak)
        self._reads = [(group, _indexes(d)[0], d.read) for group, d in ranked if d.read]
        self._splits = [(group, _indexes(d), d.split) for group, d in ranked if d.split]

    def parse(self, raw: bytes) -> LoggedRequest:
        """Return the request that a line tells of; `InvalidEvent` says what was expected where."""
        line = line_of(raw)
        match = self._match(line)
        if match is None:
            raise fault_of(line, self._steps)
        texts = match.groups()
        values: list[Value] = [None] * len(_FIELDS)
        for group, index, read in self._reads:
            if (value := read(texts[group])) is not None:
                values[index] = value
        for group, indexes, split in self._splits:
            for index, value in zip(indexes, split(texts[group]), strict=True):
                values[index] = value
        values[_TS] = self._times[" ".join([texts[group] for group in self._time_groups])]
        return LoggedRequest(*values)  # type: ignore[arg-type]  # each directive knows the type of its field


def _indexes(directive: Directive) -> tuple[int, ...]:
    return tuple(map(_FIELDS.index, directive.fields))


def _refuse_neighbours(parts: Sequence[Part]) -> None:
    for part, following in pairwise(parts):
        if not isinstance(part, str) and not isinstance(following, str) and part[1].pattern is None:
            raise Misconfigured(
                f"log format has {part[0] + following[0]!r}; "
                "expected a text between them that tells where the first one ends"
            )


def _patterns(parts: Sequence[Part], *, escapes: bool) -> list[str]:
    followers = [*(part if isinstance(part, str) else "" for part in parts[1:]), ""]
    return [
        re.escape(part) if isinstance(part, str) else f"({part[1].pattern or _text(follower, escapes)})"
        for part, follower in zip(parts, followers, strict=True)
    ]


def _text(follower: str, escapes: bool) -> str:
    """Return the pattern of any text up to `follower`; it looks at each character once."""
    if not follower:
        return ".*+"
    first, rest = re.escape(follower[0]), re.escape(follower[1:])
    backslash = r"\\" if escapes and follower[0] != "\\" else ""
    others = [rf"{first}(?!{rest})"] if rest else []
    others += [r"\\.?+"] if backslash else []
    plain = f"[^{first}{backslash}]*+"
    return f"{plain}(?:(?:{'|'.join(others)}){plain})*+" if others else plain


def _step(part: Part, pattern: str) -> tuple[str, str, str]:
    if isinstance(part, str):
        return "text", pattern, repr(part)
    return part[0], pattern, part[1].expected


def _time(directives: Sequence[Directive]) -> tuple[list[int], Callable[[str], str]]:
    """Return the groups that hold the time, and what reads them joined by spaces."""
    for group, directive in enumerate(directives):
        if directive.time is not None:
            return [group], directive.time
    written = [(group, each.strptime) for group, each in enumerate(directives) if each.strptime is not None]
    formats = " ".join(strptime for _, strptime in written)
    if not formats:
        raise Misconfigured("log format has no time; expected %t, $time_local, $time_iso8601 or $msec")
    if "%z" not in formats:
        raise Misconfigured(f"log format has a time as {formats!r}; expected its zone with it, as %z")
    return [group for group, _ in written], partial(formatted_time, formats)
