"""Line format: parses lines in which texts and directives stand in a known order."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

from dataflow.errors import InvalidEvent, Misconfigured
from dataflow.stages.access_log.clients import UnreadableField
from dataflow.stages.access_log.directives import Directive, Part, Value
from dataflow.stages.access_log.lines import (
    BrokenOff,
    DetailedRequest,
    Explained,
    LoggedRequest,
    explained,
    line_of,
    steps_of,
)
from dataflow.stages.access_log.patterns import patterns_of
from dataflow.stages.access_log.stored_lines import read_innermost, read_stored
from dataflow.stages.access_log.time_groups import TimeGroups
from dataflow.stages.access_log.values import text_of

_FIELDS = LoggedRequest.__struct_fields__
_TS = _FIELDS.index("ts")
# No collector's prefix does.
_begins_with_address = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}[ :,]|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]").match


class LineFormat:
    """Parses lines that were written by one format."""

    def __init__(self, parts: Sequence[Part], *, escapes: bool, zone: str | None = None) -> None:
        """Compile a format; `escapes` if the server escapes quotation marks in what clients sent."""
        parts = [*map(_ending_at_slash, parts, [*parts[1:], ""])]
        _refuse_neighbours(parts)
        directives = [part[1] for part in parts if not isinstance(part, str)]
        self._time = TimeGroups(directives, zone)
        patterns = patterns_of(parts, escapes=escapes)
        whole = "".join(patterns) + r"[ \t]*+\Z"
        self._match = re.compile(whole, re.DOTALL).match
        self._loose = whole.replace(r"\ ", r"\ ++")
        self._takes_prefix = not isinstance(parts[0], str) and _takes_words(parts[0][1])
        self._is_column = [not isinstance(part, str) for part in parts]
        self._steps = steps_of(map(_step, parts, [pattern.replace(r"\ ", r"\ ++") for pattern in patterns]))
        # The weak ones first: what others give for the same field replaces it.
        ranked = sorted(enumerate(directives), key=lambda numbered: -numbered[1].weak)
        self._reads = [(group, _indexes(d)[0], d.read) for group, d in ranked if d.read]
        self._splits = [(group, _indexes(d), d.split) for group, d in ranked if d.split]
        self.unknown = [d.extra for d in directives if d.extra]
        """Variables that the server does not have: their texts are kept under these names."""
        self._extras = [(group, d.extra) for group, d in enumerate(directives) if d.extra]
        self.unreadable: Counter[str] = Counter()
        """How often the text of a field could not be read."""

    @cached_property
    def _match_loosely(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self._loose, re.DOTALL).match

    @property
    def fault(self) -> str | None:
        """Return null: the format was stated."""
        return None

    def parse(self, raw: bytes) -> LoggedRequest:
        """Return the request that a line tells of, whoever collected it.

        `InvalidEvent` says what was expected where.
        """
        line = line_of(raw)
        if self._takes_prefix and not _begins_with_address(line):
            return read_innermost(line, self.parse_line)
        try:
            return self.parse_line(line)
        except InvalidEvent:
            return read_stored(line, self.parse_line)

    def takes(self, line: str) -> bool:
        """Tell whether a line has the columns of this format; to say where it has not costs far more."""
        return (self._match(line) or self._match_loosely(line)) is not None

    def texts_of(self, line: str) -> Sequence[str]:
        """Return the text of each directive; raise `InvalidEvent` if the line is of another format."""
        match = self._match(line) or self._match_loosely(line)
        if match is None:
            raise BrokenOff(line, self._steps)
        return match.groups()

    def explain(self, line: str) -> list[Explained]:
        """Return the columns of a line up to where it breaks off, without the texts between them."""
        columns = zip(explained(line, self._steps), self._is_column, strict=False)
        return [column for column, is_column in columns if is_column]

    def reach(self, line: str) -> int:
        """Return how far into a line its columns and the texts between them go, without a cut column."""
        columns = list(zip(explained(line, self._steps), self._is_column, strict=False))
        while columns and columns[-1][1]:
            columns.pop()
        return sum(len(column.text) for column, _ in columns)

    def parse_line(self, line: str) -> LoggedRequest:
        """Return the request in the text of a line."""
        match = self._match(line)
        texts = match.groups() if match is not None else self.texts_of(line)
        values: list[Value] = [None] * len(_FIELDS)
        unreadable: list[str] = []
        try:
            for group, index, read in self._reads:
                if (value := read(texts[group])) is not None:
                    values[index] = value
        except UnreadableField:
            unreadable = self._read_others(texts, values)
        for group, indexes, split in self._splits:
            _put(values, indexes, split(texts[group]))
        values[_TS] = self._time.read(texts)
        if unreadable:  # of a line that lives: others are told as a whole
            self.unreadable.update(unreadable)
        request = LoggedRequest(*values)  # type: ignore[arg-type]  # each directive knows the type of its field
        if self._extras:
            return DetailedRequest.of(request, {name: text_of(texts[group]) for group, name in self._extras})
        return request

    def _read_others(self, texts: Sequence[str], values: list[Value]) -> list[str]:
        """Read all fields again; return those that cannot be read, and are left out."""
        unreadable: list[str] = []
        for group, index, read in self._reads:
            try:
                if (value := read(texts[group])) is not None:
                    values[index] = value
            except UnreadableField:
                unreadable.append(_FIELDS[index])
        return unreadable


def _put(values: list[Value], indexes: Sequence[int], parts: Sequence[Value]) -> None:
    """Put in the parts that there are: of the others another column may have told."""
    for index, value in zip(indexes, parts, strict=True):
        if value is not None:
            values[index] = value


def _indexes(directive: Directive) -> tuple[int, ...]:
    return tuple(map(_FIELDS.index, directive.fields))


def _refuse_neighbours(parts: Sequence[Part]) -> None:
    for part, following in pairwise(parts):
        if not isinstance(part, str) and not isinstance(following, str) and part[1].pattern is None:
            raise Misconfigured(
                f"log format has {part[0] + following[0]!r}; "
                "expected a text between them that tells where the first one ends"
            )


def _ending_at_slash(part: Part, following: Part) -> Part:
    """Return a part; a host with the path directly behind it, as in ``$host$request_uri``, ends there."""
    if isinstance(part, str) or isinstance(following, str) or part[1].fields != ("host",):
        return part
    if "endpoint" not in following[1].fields or part[1].pattern is not None:
        return part
    return part[0], part[1]._replace(pattern=r'[^/*?" \t]*+', is_bounded=False)


def _takes_words(directive: Directive) -> bool:
    """Return whether the column would take the begin of what a collector writes in front of a line."""
    return directive.pattern is None or re.fullmatch(directive.pattern, "Feb") is not None


def _step(part: Part, pattern: str) -> tuple[str, str, str]:
    if isinstance(part, str):
        return "text", pattern, repr(part)
    return part[0], pattern, part[1].expected
