"""Named formats: those of known programs, each a small file of data in `formats/`."""

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from dataflow.errors import InvalidEvent, Misconfigured, Reason
from dataflow.stages.access_log.columns import as_it_is, column_named, layout_parts
from dataflow.stages.access_log.directives import Part
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.json_format import JsonFormat
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.lines import Explained, LoggedRequest

MOST_COLUMNS: Final = 100
LONGEST_HEADER: Final = 4_096
MOST_HEADERS: Final = 64
"""So many different `#Fields:` lines are read by: each is compiled, and anybody may write one."""

_QUOTED_VALUE = re.compile(r'(?<![^ \t])"((?:[^"]|"")*+)"(?![^ \t])')

Fields = dict[str, str | int | float | bool]


class ExampleLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A line of a format, and the fields that come out of it; the others are null."""

    line: str
    fields: Fields


class FormatFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One file of `formats/`; one of `layout`, `format`, `order` and `requires` says what lines look like."""

    title: str
    examples: list[ExampleLine]
    layout: str | None = None
    """Columns by the words of `columns.COLUMNS`, as ``<client> [<time>] "<request>"``."""
    format: str | None = None
    """A format string of nginx or Apache."""
    order: str | None = None
    """W3C: the columns in their usual order; a ``#Fields:`` line changes it."""
    requires: list[str] = []
    """JSON: the keys by which lines are known."""
    columns: dict[str, str] = {}
    """W3C and JSON: what the columns or keys are."""
    separator: str = " "
    """W3C: what stands between two columns."""
    known_by: str | None = None
    """W3C: the column that only this format has."""
    zone: str | None = None
    """Of times without one."""
    wraps: bool = False
    """Each line holds one of another format."""


@cache
def format_files() -> dict[str, FormatFile]:
    """Return all named formats, by their names."""
    folder = files(__package__) / "formats"
    read = {
        entry.name.removesuffix(".toml"): msgspec.toml.decode(entry.read_bytes(), type=FormatFile)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return dict(sorted(read.items()))


class W3cFormat:
    """Parses lines whose columns a ``#Fields:`` line may name."""

    def __init__(self, name: str, file: FormatFile) -> None:
        self._name, self._file = name, file
        self.unreadable: Counter[str] = Counter()
        self._headers: dict[str, LineFormat] = {}
        self.use(file.order or "")

    @property
    def is_narrow(self) -> bool:
        """Whether a column tells lines of this format from others of W3C."""
        return self._file.known_by is not None

    def is_named_by(self, columns: str) -> bool:
        """Tell whether a ``#Fields:`` line is of this format."""
        return self._file.known_by is None or self._file.known_by in columns.split()

    def use(self, columns: str) -> None:
        """Read the following lines by these columns; raise `InvalidEvent` if they cannot be."""
        if columns not in self._headers:
            self._headers[columns] = self._compiled(columns)
        self._lines = self._headers[columns]

    def _compiled(self, columns: str) -> LineFormat:
        names = columns.split()
        if len(names) > MOST_COLUMNS or len(columns) > LONGEST_HEADER:
            raise _unusable(columns, f"expected at most {MOST_COLUMNS} names in {LONGEST_HEADER} characters")
        if len(self._headers) >= MOST_HEADERS:
            raise _unusable(columns, f"expected one of the {MOST_HEADERS} that were there before")
        parts: list[Part] = []
        for column in names:
            directive = as_it_is(column_named(self._file.columns.get(column, "text"), self._name))
            if directive.pattern is None:
                directive = directive._replace(pattern=f"[^{self._file.separator}]*+")
            parts += (column, directive), self._file.separator
        try:
            lines = LineFormat(parts[:-1], escapes=False, zone=self._file.zone)
        except Misconfigured as error:
            raise _unusable(columns, str(error)) from error
        lines.unreadable = self.unreadable
        return lines

    def parse_line(self, line: str) -> LoggedRequest:
        """Return the request that a line tells of; a value with blanks may stand in quotes."""
        try:
            return self._lines.parse_line(line)
        except InvalidEvent:
            if '"' not in line:
                raise
            return self._lines.parse_line(_QUOTED_VALUE.sub(_unquoted, line))

    def explain(self, line: str) -> list[Explained]:
        """Return the columns of a line."""
        return self._lines.explain(line)


def _unquoted(value: re.Match[str]) -> str:
    """Return a value as IIS writes it, which has no quotes and a plus for a blank."""
    return value[1].replace('""', '"').replace(" ", "+") or "-"


def _unusable(columns: str, why: str) -> InvalidEvent:
    return InvalidEvent(Reason.UNPARSABLE, f"#Fields: {columns[:80]} cannot be used: {why}")


NamedFormat = LineFormat | JsonFormat | W3cFormat


def compile_named(name: str, zone: str | None) -> NamedFormat:
    """Return what parses lines of a named format that wraps no other; its times are in `zone`, if in none."""
    file = format_files()[name]
    if file.layout is not None:
        return LineFormat(layout_parts(file.layout, name), escapes=True, zone=zone or file.zone)
    if file.format is not None:
        return compile_format(file.format, zone)
    return JsonFormat(name, file.requires, file.columns) if file.requires else W3cFormat(name, file)
