"""The terminal: tables for people, JSON for programs; all that commands print goes through here."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from dataflow.printable import printable, printable_json, printable_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table


def people_read() -> bool:
    """Return whether stdout is a terminal; a pipe or a file gets JSON."""
    return sys.stdout.isatty()


def page() -> "Console":
    """Return stdout."""
    from dataflow.cli.console import PlainConsole

    return PlainConsole()


def notes() -> "Console":
    """Return stderr: progress, hints and errors, never results."""
    from dataflow.cli.console import PlainConsole

    return PlainConsole(stderr=True)


def progress_bar(*columns: "ProgressColumn") -> "Progress":
    """Return a bar on stderr that leaves nothing behind; where nobody looks there is none."""
    from rich.progress import Progress

    stderr = notes()
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)


def say(text: str) -> None:
    """Print lines for people on stdout."""
    sys.stdout.write(printable_lines(text) + "\n")


def print_json(value: object) -> None:
    """Print one line of JSON on stdout."""
    import msgspec

    sys.stdout.write(printable_json(msgspec.json.encode(value, enc_hook=_jsonable).decode()) + "\n")


def _jsonable(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


class Results(Protocol):
    """What takes bytes that came from outside."""

    def writelines(self, lines: Iterable[bytes], /) -> None:
        """Write them."""


class _ShownResults:
    def writelines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            sys.stdout.write(printable_lines(line.decode(errors="backslashreplace")))


def results() -> Results:
    """Return stdout for bytes: exact in a pipe or a file, and as they can be printed on a terminal."""
    return _ShownResults() if people_read() else sys.stdout.buffer


WHOLE = 44
"""Characters of a name that is not wrapped: more than any setting or topic has."""
WORDS = 2
"""Spaces that a name may have: with more it is a sentence, and wrapped."""


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> "Table":
    """Return a table; numbers are right-aligned, with commas, None is a dash.

    On a narrow terminal texts take more lines, but their words stay whole, and names of up to `WHOLE`
    characters and a few words in the first column; nothing is cut.
    """
    from dataflow.cli.whole_words import WholeWords

    # Without this, a title would be wrapped at the width of its table.
    table = WholeWords(title=title and printable(title), title_justify="left", min_width=len(title or ""))
    lines = [list(row) for row in rows]
    for position, column in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in lines)
        widest = max((len(shown(row[position])) for row in lines), default=0)
        prose = any(text.count(" ") > WORDS for text in (shown(row[position]) for row in lines))
        table.add_column(
            printable(column),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=position == 0 and widest <= WHOLE and not prose,
        )
    table.fill([[shown(value) for value in row] for row in lines])
    return table


def shown(value: object) -> str:
    """Return how a value stands in a table."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else printable(str(value))
