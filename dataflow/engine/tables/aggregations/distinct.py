"""Distinct: the number of different values."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias, cast

from dataflow.engine.tables.aggregations.base import Aggregation, Sketch, datasketches
from dataflow.engine.tables.aggregations.fingerprint import fingerprints, pack, unpack

EXACT: Final = 4_096
"""Different values of one entry up to which the number is exact."""

LG_REGISTERS: Final = 12
"""2**12 registers: 1.6 % standard error, less than 5 % in 997 of 1,000 entries, 4 KB."""


class Members(set[int]):
    """The fingerprints seen, and their packed form as last written."""

    __slots__ = ("packed",)

    def __init__(self, numbers: Iterable[int] = (), packed: bytes = b"") -> None:
        super().__init__(numbers)
        self.packed = packed

    def without_none(self) -> "Members":
        """Return the same set without the None that `fold_all` leaves in."""
        self.discard(cast("int", None))
        return self


State: TypeAlias = "Members | Sketch"  # datasketches.hll_sketch
Fingerprints: TypeAlias = Collection[int]


class Distinct(Aggregation[State, Fingerprints]):
    """Number of different values of a column: exact up to `exact`, then a HyperLogLog sketch.

    `exact` may be given by window size; a larger window is not exact, either, where a smaller one
    that it has taken over is not. Numbers and texts that look alike are different values.
    """

    spillable = True

    def __init__(self, column: str, exact: int | Mapping[str, int] = EXACT) -> None:
        super().__init__(column)
        self._exact_by_window = exact if isinstance(exact, Mapping) else {}
        self._exact = EXACT if isinstance(exact, Mapping) else exact
        for limit in (self._exact, *self._exact_by_window.values()):
            if not 0 < limit <= EXACT:
                raise ValueError(f"exact of {column!r} is {limit}; expected 1 to {EXACT}")

    def of_window(self, name: str) -> "Distinct":
        """Return the same for windows of this size."""
        return Distinct(self.column, self._exact_by_window.get(name, self._exact))

    def prepare(self, values: Sequence[object]) -> Sequence[object]:
        """Return the fingerprint of each value."""
        return fingerprints(values)

    def gather(self, groups: Sequence[Sequence[Any]]) -> Sequence[Fingerprints]:
        """Return the fingerprints of each group as they are; there may be None among them."""
        return groups

    def new(self) -> State:
        """Return an empty set."""
        return Members()

    def fold(self, state: State, delta: Fingerprints) -> State:
        """Add fingerprints; a set that becomes too large becomes a sketch."""
        if not isinstance(state, Members):
            return _add(state, delta)
        state.update(delta)
        return state if len(state.without_none()) <= self._exact else _add(_sketch(), state)

    def fold_all(self, entries: Sequence[list[Any]], slot: int, deltas: Sequence[Fingerprints]) -> None:
        """Add fingerprints with one call for all entries, where all are sets that stay small enough."""
        # what was added already when it proves otherwise changes nothing when it is added again
        if not _add_to_sets(set.update, [entry[slot] for entry in entries], deltas, self._exact):
            super().fold_all(entries, slot, deltas)

    def fold_each(self, entries: Sequence[list[Any]], slot: int, values: Sequence[Any]) -> None:
        """Add one fingerprint to each entry, likewise."""
        if not _add_to_sets(set.add, [entry[slot] for entry in entries], values, self._exact):
            super().fold_each(entries, slot, values)

    def merge(self, state: State, more: State) -> State:
        """Return the union."""
        if isinstance(more, Members):
            return self.fold(state, more)
        if isinstance(state, Members):
            state = _add(_sketch(), state)
        return _union(state, more)

    def merged(self, states: Sequence[object]) -> State:
        """Return the union of all, made at once."""
        raws = cast("Sequence[bytes]", states)
        numbers = Members(chain.from_iterable(unpack(raw[1:]) for raw in raws if raw[:1] == b"x"))
        sketches = [self.decode(raw) for raw in raws if raw[:1] != b"x"]
        if not sketches and len(numbers) <= self._exact:
            return numbers
        return _union(_add(_sketch(), numbers), *sketches)

    def encode(self, state: State) -> bytes:
        """Return 8 bytes a fingerprint, or the sketch."""
        if not isinstance(state, Members):
            return b"h" + bytes(state.serialize_compact())
        state.without_none()
        # no number is ever taken out: as many members as were packed are the same members
        if len(state.packed) != 8 * len(state) + 1:
            state.packed = b"x" + pack(state)
        return state.packed

    def decode(self, packed: object) -> State:
        """Return the set or the sketch."""
        raw = cast("bytes", packed)
        if raw[:1] == b"x":
            return Members(unpack(raw[1:]), raw)
        return datasketches().hll_sketch.deserialize(raw[1:])

    def result(self, state: State) -> int:
        """Return how many different values there were."""
        if isinstance(state, Members):
            return len(state.without_none())
        # the estimate of a union does not depend on the order of arrival, that of a sketch that was
        # only ever added to does
        return round(float(_union(state, state).get_estimate()))


def _add_to_sets(add: Callable[..., None], states: list[State], deltas: Sequence[object], most: int) -> bool:
    """Add to sets; return whether all were sets and still are small enough."""
    try:
        deque(map(add, states, deltas), maxlen=0)
    except TypeError:  # there are sketches among them
        return False
    return max(map(len, states), default=0) <= most


def _sketch() -> Sketch:
    library = datasketches()
    return library.hll_sketch(LG_REGISTERS, library.HLL_8)


def _add(sketch: Sketch, numbers: Iterable[int | None]) -> Sketch:
    for number in numbers:
        if number is not None:
            sketch.update(number)
    return sketch


def _union(*sketches: Sketch) -> Sketch:
    library = datasketches()
    union = library.hll_union(LG_REGISTERS)
    for sketch in sketches:
        union.update(sketch)
    return union.get_result(library.HLL_8)
