"""Quantiles: the values below which given shares of all lie."""

import sys
from array import array
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Final, TypeAlias, cast

from dataflow.engine.tables.aggregations.base import Aggregation, Sketch, datasketches

EXACT: Final = 1_000
"""Values of one entry up to which the quantiles are exact."""

KLL_K: Final = 200
"""A quantile's rank is off by 1.33 % at most, in 99 of 100 entries; 4.5 KB."""

State: TypeAlias = "array[float] | Sketch"  # a datasketches.kll_doubles_sketch


class Quantiles(Aggregation[State, "Sequence[float]"]):
    """Quantiles of a column of numbers: exact up to `EXACT` values, then a KLL sketch.

    A quantile at q is the least value that at least the share q of all values do not exceed.
    The sketch throws coins: a replay gives the same quantiles within the bound, not to the digit.
    """

    spillable = True

    def __init__(self, column: str, at: Sequence[float] = (0.5, 0.9, 0.99)) -> None:
        super().__init__(column)
        if not at or not all(0 < q <= 1 for q in at):
            raise ValueError(f"quantiles of {column!r} are {at!r}; expected shares over 0, up to 1")
        self.at = tuple(at)

    def gather(self, groups: Sequence[Sequence[Any]]) -> list[Sequence[float]]:
        """Return the numbers of each group."""
        return [
            [value for value in values if value is not None] if None in values else values
            for values in groups
        ]

    def new(self) -> State:
        """Return an empty array."""
        return array("d")

    def fold(self, state: State, delta: "Sequence[float] | array[float]") -> State:
        """Add numbers; too many become a sketch."""
        if not isinstance(state, array):
            return _update(state, delta)
        state.extend(delta)
        return state if len(state) <= EXACT else _update(_sketch(), state)

    def fold_all(self, entries: Sequence[list[Any]], slot: int, deltas: Sequence[Sequence[float]]) -> None:
        """Add the numbers of each entry; many logs have none at all."""
        for entry, delta in zip(entries, deltas, strict=True):
            if delta:
                entry[slot] = self.fold(entry[slot], delta)

    def merge(self, state: State, more: State) -> State:
        """Return the numbers of both."""
        if isinstance(more, array):
            return self.fold(state, more)
        if isinstance(state, array):
            state = _update(_sketch(), state)
        state.merge(more)
        return state

    def merged(self, states: Sequence[object]) -> State:
        """Return the numbers of all, those of arrays at once."""
        raws = cast("Sequence[bytes]", states)
        merged = self.fold(
            self.new(), _little(array("d", b"".join(raw[1:] for raw in raws if raw[:1] == b"x")))
        )
        for raw in raws:
            if raw[:1] != b"x":
                merged = self.merge(merged, self.decode(raw))
        return merged

    def encode(self, state: State) -> bytes:
        """Return 8 bytes a number, or the sketch."""
        if isinstance(state, array):
            return b"x" + _little(state[:]).tobytes() if state else b"x"
        return b"k" + bytes(state.serialize())

    def decode(self, packed: object) -> State:
        """Return the array or the sketch."""
        raw = cast("bytes", packed)
        if raw[:1] == b"x":
            return _little(array("d", raw[1:]))
        return datasketches().kll_doubles_sketch.deserialize(raw[1:])

    def result(self, state: State) -> dict[str, float | None]:
        """Return the quantiles as `p50` and so on, None where there was no value."""
        names = [f"p{100 * q:g}" for q in self.at]
        return dict(zip(names, self._quantiles(state), strict=True))

    def _quantiles(self, state: State) -> Iterable[float | None]:
        if not isinstance(state, array):
            return list(state.get_quantiles(self.at, True))
        ranked = sorted(state)
        # 0.07 * 100 is a little over 7
        return [ranked[ceil(q * len(ranked) - 1e-9) - 1] if ranked else None for q in self.at]


def _sketch() -> Sketch:
    return datasketches().kll_doubles_sketch(KLL_K)


def _update(sketch: Sketch, numbers: Iterable[float]) -> Sketch:
    for number in numbers:
        sketch.update(float(number))
    return sketch


def _little(numbers: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
