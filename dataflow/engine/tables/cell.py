"""Cells: what is kept of one key in one window, and its form in the changelog."""

from collections.abc import Sequence
from typing import Any, TypeAlias, final

from msgspec import msgpack

from dataflow.engine.tables.grouping import Batch, Deltas, Groups
from dataflow.engine.tables.labels import labels
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.summaries import Summary
from dataflow.engine.tables.table import WindowedTable

Packed: TypeAlias = list[Any]  # of each summary what it makes of its state
"""`Cell.hidden`, then the packed states in the order in which the table declares them."""

_encode = msgpack.Encoder().encode
decode = msgpack.Decoder(Packed).decode


def encode(packed: Packed) -> bytes:
    """Return a packed cell as bytes; totals that msgpack's integers do not hold become texts."""
    try:
        return _encode(packed)
    except OverflowError:
        hidden, *states = packed
        return _encode([hidden, *(str(state) if isinstance(state, int) else state for state in states)])


@final
class Cell:
    """The states of one key in one window.

    `hidden` is how many rows of this key `(other)` may hold at most; of `(other)` itself, how many
    of any one key.
    """

    __slots__ = ("hidden", "states")

    def __init__(self, hidden: int, states: list[Any]) -> None:
        self.hidden = hidden
        self.states = states  # the count first

    @property
    def most(self) -> int:
        """Rows that this key has had at most."""
        hidden_and_counted: int = self.hidden + self.states[0]
        return hidden_and_counted


class CellFormat:
    """Makes, fills, merges and packs the cells of a table."""

    def __init__(self, table: WindowedTable) -> None:
        self.names = tuple(table.summaries)
        self.summaries: tuple[Summary[Any, Any], ...] = tuple(table.summaries.values())
        own = ((slot, s) for slot, s in enumerate(self.summaries, 1) if type(s).encode is not Summary.encode)
        self._packs = [(slot, summary.encode) for slot, summary in own]

    def new(self, hidden: int) -> Cell:
        """Return the cell of no rows."""
        return Cell(hidden, [summary.new() for summary in self.summaries])

    def merge(self, cell: Cell, more: Cell) -> None:
        """Add the rows of another cell."""
        for slot, summary in enumerate(self.summaries):
            cell.states[slot] = summary.merge(cell.states[slot], more.states[slot])

    def pack(self, cell: Cell) -> Packed:
        """Return hidden, then the packed state of each summary."""
        packed = [cell.hidden, *cell.states]
        for slot, pack in self._packs:
            packed[slot] = pack(packed[slot])
        return packed

    def unpack(self, packed: Packed) -> Cell:
        """Return the cell that was packed."""
        states = zip(self.summaries, packed[1:], strict=True)
        return Cell(packed[0], [summary.decode(state) for summary, state in states])

    def batch(self, rows: Rows, key: str) -> Batch:
        """Return rows as what the summaries take of them, each column converted once."""
        columns = [s.prepare(rows.column(s.column)) for s in self.summaries if s.column]
        return Batch(rows.times, labels(rows.column(key)), columns, self._gather)

    def fold(self, cells: Sequence[list[Any]], groups: Groups) -> None:
        """Fold each group into the states of its cell."""
        for slot, (summary, deltas) in enumerate(zip(self.summaries, groups.deltas, strict=True)):
            if groups.alone:
                summary.fold_each(cells, slot, deltas)
            else:
                summary.fold_all(cells, slot, deltas)

    def _gather(self, columns: Sequence[Sequence[Any]], groups: Sequence[Sequence[Any]]) -> Deltas:
        count, *others = self.summaries
        if len(columns) == 1:
            return [count.gather(groups), others[0].gather(groups)]
        deltas = [count.gather(groups)]
        for summary, column in zip(others, columns, strict=True):
            deltas.append(summary.gather([list(map(column.__getitem__, rows)) for rows in groups]))
        return deltas
