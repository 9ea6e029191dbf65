"""Window entries: what is kept of one key in one window, and its form in the changelog."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, final

import msgspec
from msgspec import msgpack

from dataflow.engine.tables.aggregations import Aggregation
from dataflow.engine.tables.grouping import Deltas, Groups, PreparedRows
from dataflow.engine.tables.labels import labels
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.windows import Window
from dataflow.errors import Misconfigured

Packed: TypeAlias = list[Any]  # of each aggregation what it makes of its state
"""`WindowEntry.error_bound`, then the packed states in the order in which the table declares them."""

_INTEGERS = range(-(2**63), 2**64)  # that msgpack carries
_encode = msgpack.Encoder().encode
decode = msgpack.Decoder(Packed).decode
_skip = msgpack.Decoder(msgspec.Raw).decode


def encode(packed: Packed) -> bytes:
    """Return a packed entry as bytes; totals that msgpack's integers do not hold become texts."""
    try:
        return _encode(packed)
    except OverflowError:
        return _encode(list(map(writable, packed)))


def writable(state: object) -> object:
    """Return a packed state as something that msgpack can carry."""
    return str(state) if isinstance(state, int) and state not in _INTEGERS else state


@final
class WindowEntry:
    """The states of one key in one window.

    `error_bound` is how many rows of this key `(other)` may hold at most; of `(other)` itself, how
    many of any one key.
    """

    __slots__ = ("error_bound", "is_written", "states")

    def __init__(self, error_bound: int, states: list[Any], *, is_written: bool = False) -> None:
        self.error_bound = error_bound
        self.states = states  # the count first
        self.is_written = is_written
        """Whether the changelog has a record of this entry alone."""


class EntryFormat:
    """Makes, fills, merges and packs the entries of a table for windows of one size."""

    def __init__(self, table: WindowedTable, window: Window) -> None:
        self._table = table.name
        self.names = tuple(table.aggregations)
        self._first_bytes = _encode([None] * (1 + len(self.names)))[: -1 - len(self.names)]
        self.aggregations: tuple[Aggregation[Any, Any], ...] = tuple(
            aggregation.of_window(window.name) for aggregation in table.aggregations.values()
        )
        own = (
            (slot, a)
            for slot, a in enumerate(self.aggregations, 1)
            if type(a).encode is not Aggregation.encode
        )
        self._encoders = [(slot, aggregation.encode) for slot, aggregation in own]
        states = [aggregation.new() for aggregation in self.aggregations]
        self._new_states = [None if type(state) is not int else state for state in states]
        self._own_states = [
            (slot, a.new) for slot, a in enumerate(self.aggregations) if self._new_states[slot] is None
        ]
        others = [msgspec.Raw] * (len(self.names) - 1)
        self.head = msgpack.Decoder(tuple[int, int | str, *others]).decode  # type: ignore[valid-type]
        """Returns error bound and count of a packed entry, and the rest of it as it is."""
        self.large_slots = [slot for slot, a in enumerate(self.aggregations, 1) if a.spillable]
        """Places in a packed entry of the states that may be large; they are bytes."""

    def check(self, value: bytes) -> None:
        """Raise `Misconfigured` or ValueError for what is no packed entry."""
        _skip(value)
        if value[: len(self._first_bytes)] != self._first_bytes:
            expected = f"a list of {1 + len(self.names)} states"
            raise Misconfigured(
                f"changelog of {self._table} has an entry of another form; expected {expected}"
            )

    def new(self, error_bound: int) -> WindowEntry:
        """Return the entry of no rows."""
        states = self._new_states.copy()
        for slot, new in self._own_states:
            states[slot] = new()
        return WindowEntry(error_bound, states)

    def merge_all(self, entry: WindowEntry, more: Iterable[Packed]) -> None:
        """Add the rows of all these packed entries at once, aggregation by aggregation."""
        _, *packed = zip(self.pack(entry), *more, strict=True)
        entry.states = [a.merged(of_all) for a, of_all in zip(self.aggregations, packed, strict=True)]

    def merge_packed(self, entries: Sequence[Packed]) -> Packed:
        """Return the packed entry of the rows of all; the error bounds add up."""
        if len(entries) == 1:
            return entries[0]
        states = zip(*entries, strict=True)
        error_bound = sum(next(states))
        return [
            error_bound,
            *(a.merge_encoded(of_all) for a, of_all in zip(self.aggregations, states, strict=True)),
        ]

    def result(self, slot: int, parts: Sequence[Packed]) -> object:
        """Return what people ask for of the state at this place, of packed entries that add up."""
        aggregation = self.aggregations[slot - 1]
        return aggregation.result(aggregation.merged([part[slot] for part in parts]))

    def pack(self, entry: WindowEntry) -> Packed:
        """Return the error bound, then the packed state of each aggregation."""
        packed = [entry.error_bound, *entry.states]
        for slot, encode_state in self._encoders:
            packed[slot] = encode_state(packed[slot])
        return packed

    def unpack(self, packed: Packed) -> WindowEntry:
        """Return the entry that was packed."""
        states = zip(self.aggregations, packed[1:], strict=True)
        return WindowEntry(packed[0], [aggregation.decode(state) for aggregation, state in states])

    def prepare(self, rows: Rows, key: str) -> PreparedRows:
        """Return rows as what the aggregations take of them, each column converted once."""
        columns = [a.prepare(rows.column(a.column)) for a in self.aggregations if a.column]
        return PreparedRows(rows.times, labels(rows.column(key)), columns, self._gather)

    def fold(self, entries: Sequence[list[Any]], groups: Groups) -> None:
        """Fold each group into the states of its entry."""
        for slot, (aggregation, deltas) in enumerate(zip(self.aggregations, groups.deltas, strict=True)):
            if groups.alone:
                aggregation.fold_each(entries, slot, deltas)
            else:
                aggregation.fold_all(entries, slot, deltas)

    def _gather(self, columns: Sequence[Sequence[Any]], groups: Sequence[Sequence[Any]]) -> Deltas:
        count, *others = self.aggregations
        if len(columns) == 1:
            return [count.gather(groups), others[0].gather(groups)]
        deltas = [count.gather(groups)]
        for aggregation, column in zip(others, columns, strict=True):
            deltas.append(aggregation.gather([list(map(column.__getitem__, rows)) for rows in groups]))
        return deltas
