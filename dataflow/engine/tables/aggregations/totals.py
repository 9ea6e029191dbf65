"""Count and Sum: the number of rows, the total of whole numbers."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from dataflow.engine.tables.aggregations.base import Aggregation

_64_BITS = range(-(2**63), 2**64)


class _Total(Aggregation[int, int]):
    """A number that only adds up."""

    def new(self) -> int:
        """Return 0."""
        return 0

    def fold(self, state: int, delta: int) -> int:
        """Return the sum of both."""
        return state + delta

    def fold_all(self, entries: Sequence[list[Any]], slot: int, deltas: Sequence[int]) -> None:
        """Add each number in place: one call for all entries."""
        for entry, delta in zip(entries, deltas, strict=True):
            entry[slot] += delta

    def merge(self, state: int, more: int) -> int:
        """Return the sum of both."""
        return state + more

    def merged(self, states: Sequence[object]) -> int:
        """Return the sum of all."""
        try:
            return sum(cast("Sequence[int]", states))
        except TypeError:  # there are texts among them
            return sum(map(self.decode, states))

    def add_encoded(self, states: dict[str, Any], more: Iterable[tuple[str, Any]]) -> None:
        """Add numbers to those of the same keys."""
        for key, number in more:
            known = states.get(key, 0)
            try:
                states[key] = known + number
            except TypeError:  # a text
                states[key] = int(known) + int(number)

    def decode(self, packed: object) -> int:
        """Return the total, which is a text where msgpack's integers end."""
        return int(cast("int | str", packed))

    def result(self, state: int) -> int | float:
        """Return the total, rounded where JSON's readers stop at 64 bits."""
        return state if state in _64_BITS else float(state)


class Count(_Total):
    """Number of rows, whatever their columns. Exact."""

    def __init__(self) -> None:
        super().__init__("")

    def gather(self, groups: Sequence[Sequence[Any]]) -> list[int]:
        """Return the number of rows of each group."""
        return list(map(len, groups))

    def fold_each(self, entries: Sequence[list[Any]], slot: int, values: Sequence[Any]) -> None:
        """Add 1 a row."""
        self.fold_all(entries, slot, [1] * len(values))


class Sum(_Total):
    """Total of a column of whole numbers. Exact, of any size.

    Fractions are refused: their total depends on the order. Count cents, not euros.
    """

    def prepare(self, values: Sequence[object]) -> Sequence[object]:
        """Return the numbers, 0 for None; raise TypeError for any other value."""
        others = set(map(type, values)) - {int, bool}
        for wrong in others - {type(None)}:
            raise TypeError(f"a value of {self.column!r} is a {wrong.__name__}; expected whole numbers")
        return [value or 0 for value in values] if others else values

    def gather(self, groups: Sequence[Sequence[Any]]) -> list[int]:
        """Return the total of each group."""
        return list(map(sum, groups))

    def fold_each(self, entries: Sequence[list[Any]], slot: int, values: Sequence[Any]) -> None:
        """Add each number in place: it is its own total."""
        self.fold_all(entries, slot, values)
