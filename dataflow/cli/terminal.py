"""The terminal: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def people_read() -> bool:
    """Return whether stdout is a terminal; a pipe or a file gets JSON."""
    return sys.stdout.isatty()


def page() -> "Console":
    """Return stdout."""
    from rich.console import Console

    return Console()


def notes() -> "Console":
    """Return stderr: progress, hints and errors, never results."""
    from rich.console import Console

    return Console(stderr=True)


def print_json(value: object) -> None:
    """Print one line of JSON on stdout."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value, enc_hook=_jsonable).decode() + "\n")


def _jsonable(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> "Table":
    """Return a table; numbers are right-aligned, with commas, None is a dash."""
    from rich.table import Table
    from rich.text import Text

    # Without this, a title would be wrapped at the width of its table.
    table = Table(title=title, title_justify="left", min_width=len(title or ""))
    lines = [list(row) for row in rows]
    for position, column in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in lines)
        table.add_column(column, justify="right" if numeric else "left")
    for row in lines:
        table.add_row(*(Text(_shown(value)) for value in row))
    return table


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
