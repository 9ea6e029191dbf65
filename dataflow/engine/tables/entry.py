"""Cells: what is kept of one key in one window, and its form in the changelog."""

from collections.abc import Sequence
from typing import Any, TypeAlias, final

from msgspec import msgpack

from dataflow.engine.tables.aggregations import Aggregation
from dataflow.engine.tables.grouping import Batch, Deltas, Groups
from dataflow.engine.tables.labels import labels
from dataflow.engine.tables.rows import Rows
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
class WindowEntry:
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


class EntryFormat:
    """Makes, fills, merges and packs the cells of a table."""

    def __init__(self, table: WindowedTable) -> None:
        self.names = tuple(table.aggregations)
        self.aggregations: tuple[Aggregation[Any, Any], ...] = tuple(table.aggregations.values())
        own = (
            (slot, s)
            for slot, s in enumerate(self.aggregations, 1)
            if type(s).encode is not Aggregation.encode
        )
        self._packs = [(slot, aggregation.encode) for slot, aggregation in own]

    def new(self, hidden: int) -> WindowEntry:
        """Return the cell of no rows."""
        return WindowEntry(hidden, [aggregation.new() for aggregation in self.aggregations])

    def merge(self, cell: WindowEntry, more: WindowEntry) -> None:
        """Add the rows of another cell."""
        for slot, aggregation in enumerate(self.aggregations):
            cell.states[slot] = aggregation.merge(cell.states[slot], more.states[slot])

    def pack(self, cell: WindowEntry) -> Packed:
        """Return hidden, then the packed state of each summary."""
        packed = [cell.hidden, *cell.states]
        for slot, pack in self._packs:
            packed[slot] = pack(packed[slot])
        return packed

    def unpack(self, packed: Packed) -> WindowEntry:
        """Return the cell that was packed."""
        states = zip(self.aggregations, packed[1:], strict=True)
        return WindowEntry(packed[0], [aggregation.decode(state) for aggregation, state in states])

    def batch(self, rows: Rows, key: str) -> Batch:
        """Return rows as what the summaries take of them, each column converted once."""
        columns = [s.prepare(rows.column(s.column)) for s in self.aggregations if s.column]
        return Batch(rows.times, labels(rows.column(key)), columns, self._gather)

    def fold(self, cells: Sequence[list[Any]], groups: Groups) -> None:
        """Fold each group into the states of its cell."""
        for slot, (aggregation, deltas) in enumerate(zip(self.aggregations, groups.deltas, strict=True)):
            if groups.alone:
                aggregation.fold_each(cells, slot, deltas)
            else:
                aggregation.fold_all(cells, slot, deltas)

    def _gather(self, columns: Sequence[Sequence[Any]], groups: Sequence[Sequence[Any]]) -> Deltas:
        count, *others = self.aggregations
        if len(columns) == 1:
            return [count.gather(groups), others[0].gather(groups)]
        deltas = [count.gather(groups)]
        for aggregation, column in zip(others, columns, strict=True):
            deltas.append(aggregation.gather([list(map(column.__getitem__, rows)) for rows in groups]))
        return deltas
