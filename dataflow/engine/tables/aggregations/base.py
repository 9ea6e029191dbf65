"""Summary: what a table keeps of many values, so that parts can be merged in any order."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

S = TypeVar("S")
D = TypeVar("D")

Sketch: TypeAlias = Any  # of Apache DataSketches, which has no types


class Aggregation(ABC, Generic[S, D]):
    """How values of one column become deltas, deltas a state, and a state a result.

    Aggregations of parts merge to the aggregation of the whole, whatever the order: over windows,
    partitions and workers. A value of None is no value; only `Count` counts it.
    """

    spillable: ClassVar[bool] = False
    """Whether the packed state may be large; it is then bytes."""

    def __init__(self, column: str) -> None:
        self.column = column

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.column})"

    def of_window(self, name: str) -> "Aggregation[S, D]":  # noqa: ARG002  # others differ by it
        """Return the same for windows of this size."""
        return self

    def prepare(self, values: Sequence[object]) -> Sequence[object]:
        """Return a batch's column in the form that `gather` takes."""
        return values

    @abstractmethod
    def gather(self, groups: Sequence[Sequence[Any]]) -> Sequence[D]:
        """Return the delta of each group of prepared values; done once for all window sizes."""

    @abstractmethod
    def new(self) -> S:
        """Return the state of no values."""

    @abstractmethod
    def fold(self, state: S, delta: D) -> S:
        """Return the state with a delta added; may change `state`, never `delta`."""

    def fold_all(self, entries: Sequence[list[Any]], slot: int, deltas: Sequence[D]) -> None:
        """Fold each delta into the state at this place of its entry; an entry may come twice."""
        for entry, delta in zip(entries, deltas, strict=True):
            entry[slot] = self.fold(entry[slot], delta)

    def fold_each(self, entries: Sequence[list[Any]], slot: int, values: Sequence[Any]) -> None:
        """Fold each prepared value into the state at this place of its entry; an entry may come twice."""
        self.fold_all(entries, slot, self.gather([(value,) for value in values]))

    @abstractmethod
    def merge(self, state: S, more: S) -> S:
        """Return the state of both; may change `state`, never `more`."""

    def merged(self, states: Sequence[object]) -> S:
        """Return the state of what is in all of these encoded states."""
        first, *others = states
        merged = self.decode(first)
        for more in others:
            merged = self.merge(merged, self.decode(more))
        return merged

    def merge_encoded(self, states: Sequence[object]) -> object:
        """Return the encoded state of what is in all of these encoded states."""
        return self.encode(self.merged(states)) if len(states) > 1 else states[0]

    def add_encoded(self, states: dict[str, Any], more: Iterable[tuple[str, Any]]) -> None:
        """Add encoded states to those of the same keys."""
        for key, state in more:
            states[key] = self.merge_encoded((states[key], state)) if key in states else state

    def encode(self, state: S) -> object:
        """Return the state as something that msgpack can carry, or an integer of any size."""
        return state

    @abstractmethod
    def decode(self, packed: object) -> S:
        """Return the state that was encoded."""

    @abstractmethod
    def result(self, state: S) -> object:
        """Return what people ask for, as something that JSON can carry."""


@cache
def datasketches() -> ModuleType:
    """Import Apache DataSketches when the first sketch is needed: it brings 30 MB of numpy."""
    return importlib.import_module("datasketches")
