"""W3C format: parses lines whose columns a ``#Fields:`` line may name."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from dataflow.errors import InvalidEvent, Misconfigured, Reason
from dataflow.stages.access_log.clients import UnreadableField
from dataflow.stages.access_log.columns import as_it_is, column_named
from dataflow.stages.access_log.directives import Directive, Part, Read, Value
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.lines import Explained, LoggedRequest

MOST_COLUMNS: Final = 100
LONGEST_HEADER: Final = 4_096
MOST_HEADERS: Final = 64
"""So many different `#Fields:` lines are read by: each is compiled, and anybody may write one."""

_QUOTED_VALUE = re.compile(r'(?<![^ \t])"((?:[^"]|"")*+)"(?![^ \t])')
_LOCAL: Final = {"date-local": "date", "time-local": "time"}
_ESSENTIAL: Final = frozenset(("ip", "status"))
"""By these, and by its time, a line is known to have these columns; any other may hold what it likes."""


class W3cFormat:
    """Parses lines whose columns a ``#Fields:`` line may name."""

    def __init__(
        self,
        name: str,
        columns: Mapping[str, str],
        order: str,
        separator: str,
        known_by: str | None,
        zone: str | None,
    ) -> None:
        """Take what the columns are, and those of lines without a header; local times are in `zone`.

        A ``|`` in the order stands where lines of earlier releases end.
        """
        self._name, self._separator, self._known_by, self._zone = name, separator, known_by, zone
        self._columns = {column.lower(): kind for column, kind in columns.items()}
        self.unreadable: Counter[str] = Counter()
        self._headers: dict[str, LineFormat] = {}
        *ends, _ = [match.start() for match in re.finditer(r"\||\Z", order)]
        earlier = [order[:end].replace("|", "") for end in ends]
        self._earlier_orders = {len(columns.split()): columns for columns in earlier}
        self._earlier: dict[int, LineFormat] = {}
        self._lines = self._default = self._compiled(order.replace("|", ""), is_header=False)

    @property
    def is_narrow(self) -> bool:
        """Whether a column tells lines of this format from others of W3C."""
        return self._known_by is not None

    def is_named_by(self, columns: str) -> bool:
        """Tell whether a ``#Fields:`` line is of this format."""
        return self._known_by is None or self._known_by in columns.split()

    def use(self, columns: str) -> None:
        """Read the following lines by these columns; raise `InvalidEvent` if they cannot be."""
        if columns not in self._headers:
            self._headers[columns] = self._compiled(columns, is_header=True)
        self._lines = self._headers[columns]

    def _compiled(self, columns: str, *, is_header: bool) -> LineFormat:
        names = columns.split()
        if len(names) > MOST_COLUMNS or len(columns) > LONGEST_HEADER:
            raise _unusable(columns, f"expected at most {MOST_COLUMNS} names in {LONGEST_HEADER} characters")
        if len(self._headers) + 1 >= MOST_HEADERS:
            raise _unusable(columns, f"expected one of the {MOST_HEADERS} that were there before")
        kinds, is_local = self._kinds(names)
        parts: list[Part] = []
        for column, kind in zip(names, kinds, strict=True):
            directive = as_it_is(column_named(kind, self._name))
            directive = _unquoted(_lenient(directive) if is_header else directive)
            if directive.pattern is None:
                directive = directive._replace(pattern=f"[^{self._separator}]*+")
            parts += (column, directive), self._separator
        try:
            lines = LineFormat(parts[:-1], escapes=False, zone=self._zone if is_local else "UTC")
        except Misconfigured as error:
            raise _unusable(columns, str(error)) from error
        lines.unreadable = self.unreadable
        return lines

    def _kinds(self, names: Sequence[str]) -> tuple[list[str], bool]:
        """Return what each column is, and whether the time is local: it counts if no other is there."""
        keys = [name.lower() for name in names]
        is_local = not {"date", "time"} & set(keys)
        if is_local:
            keys = [_LOCAL.get(key, key) for key in keys]
        kinds = [self._columns.get(key, "text") for key in keys]
        if "cs-uri-query" not in keys:  # then it stands with the path
            kinds = ["target" if kind == "path" else kind for kind in kinds]
        return kinds, is_local

    def _lines_like(self, line: str) -> LineFormat:
        """Return what reads a line: without a header the columns of the release that had so many."""
        if not self._earlier_orders or self._lines is not self._default:
            return self._lines
        count = line.count(self._separator) + 1
        if count in self._earlier_orders and count not in self._earlier:
            self._earlier[count] = self._compiled(self._earlier_orders[count], is_header=False)
        return self._earlier.get(count, self._lines)

    def takes(self, line: str) -> bool:
        """Tell whether a line may have these columns."""
        return '"' in line or self._lines_like(line).takes(line)

    def parse_line(self, line: str) -> LoggedRequest:
        """Return the request that a line tells of; a value with blanks may stand in quotes."""
        lines = self._lines_like(line)
        try:
            return lines.parse_line(line)
        except InvalidEvent:
            if '"' not in line:
                raise
            return lines.parse_line(_QUOTED_VALUE.sub(_as_iis, line))

    def explain(self, line: str) -> list[Explained]:
        """Return the columns of a line."""
        return self._lines_like(line).explain(line)

    def reach(self, line: str) -> int:
        """Return how far into a line its columns go."""
        return self._lines_like(line).reach(line)


def _lenient(directive: Directive) -> Directive:
    """Return the directive of a column that takes any text; one that cannot be read is null, and counted."""
    pattern, read = directive.pattern, directive.read
    if pattern is None or directive.time or directive.strptime or _ESSENTIAL.intersection(directive.fields):
        return directive
    return directive._replace(pattern=None, read=None if read is None else _reading(pattern, read))


def _reading(pattern: str, read: Read) -> Read:
    matches = re.compile(pattern).fullmatch

    def value_of(text: str) -> Value:
        if matches(text) is None:
            raise UnreadableField
        return read(text)

    return value_of


def _unquoted(directive: Directive) -> Directive:
    """Return the directive for values that may stand in quotes, as Tomcat writes them."""
    read, split = directive.read, directive.split
    return directive._replace(
        read=None if read is None else lambda text: read(_without_quotes(text)),
        split=None if split is None else lambda text: split(_without_quotes(text)),
    )


def _without_quotes(text: str) -> str:
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def _as_iis(value: re.Match[str]) -> str:
    """Return a value as IIS writes it, which has no quotes and a plus for a blank."""
    return value[1].replace('""', '"').replace(" ", "+") or "-"


def _unusable(columns: str, why: str) -> InvalidEvent:
    return InvalidEvent(Reason.UNPARSABLE, f"#Fields: {columns[:80]} cannot be used: {why}")
