"""Wide table: shown as several that fit the terminal, each beginning with the column that names its rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataflow.cli.terminal import WHOLE, shown, table_of

if TYPE_CHECKING:
    from rich.table import Table

AROUND = 3  # of each cell: a border and two spaces


def tables_that_fit(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str, width: int
) -> "list[Table]":
    """Return the table as one, or as several where numbers would not fit into this width."""
    widths = [
        max(len(text) for text in (column, *(shown(row[position]) for row in rows)))
        for position, column in enumerate(columns)
    ]
    return [
        table_of([columns[at] for at in group], [[row[at] for at in group] for row in rows], title)
        for group in column_groups([min(widths[0], WHOLE), *widths[1:]], width)
    ]


def column_groups(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the positions of columns that fit side by side; the first column is in every group."""
    begin = widths[0] + AROUND + 1
    groups, used = [[0]], begin
    for position, own in enumerate(widths[1:], 1):
        if used + own + AROUND > width and len(groups[-1]) > 1:
            groups.append([0])
            used = begin
        groups[-1].append(position)
        used += own + AROUND
    return groups
