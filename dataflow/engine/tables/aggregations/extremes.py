"""Min and Max: the least or the greatest value."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

from dataflow.engine.tables.aggregations.base import Aggregation

Extreme: TypeAlias = int | float | str | None
"""None before the first value."""


class _Extremum(Aggregation[Extreme, Extreme]):
    """One end of a column's values, which are all numbers or all texts."""

    @abstractmethod
    def pick(self, values: list[Any]) -> Extreme:
        """Return the value at this end."""

    def gather(self, groups: Sequence[Sequence[Any]]) -> list[Extreme]:
        """Return the extreme of each group."""
        present = ([value for value in values if value is not None] for values in groups)
        return [self.pick(values) if values else None for values in present]

    def new(self) -> Extreme:
        """Return None."""
        return None

    def fold(self, state: Extreme, delta: Extreme) -> Extreme:
        """Return the more extreme of both."""
        if state is None or delta is None:
            return delta if state is None else state
        return self.pick([state, delta])

    def merge(self, state: Extreme, more: Extreme) -> Extreme:
        """Return the more extreme of both."""
        return self.fold(state, more)

    def encode(self, state: Extreme) -> Extreme:
        """Return the value itself."""
        return state

    def decode(self, packed: object) -> Extreme:
        """Return the value itself."""
        return cast("Extreme", packed)

    def result(self, state: Extreme) -> Extreme:
        """Return the value, None where there was none."""
        return state


class Min(_Extremum):
    """Least value of a column, all numbers or all texts. Exact."""

    def pick(self, values: list[Any]) -> Extreme:
        """Return the least."""
        return cast("Extreme", min(values))


class Max(_Extremum):
    """Greatest value of a column, all numbers or all texts. Exact."""

    def pick(self, values: list[Any]) -> Extreme:
        """Return the greatest."""
        return cast("Extreme", max(values))
