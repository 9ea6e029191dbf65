"""Weighted cache: results as long as they are asked for, together within a bound."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class WeightedCache(Generic[V]):
    """Keeps the results that were used last; at least one, however heavy."""

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self._weight = 0
        self._kept: OrderedDict[Hashable, tuple[int, V]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return a result; None if it is not there."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def put(self, key: Hashable, result: V, weight: int) -> None:
        """Keep a result in place of the one before."""
        if key in self._kept:
            self._weight -= self._kept.pop(key)[0]
        self._kept[key] = weight, result
        self._weight += weight
        while self._weight > self._max_weight and len(self._kept) > 1:
            self._weight -= self._kept.popitem(last=False)[1][0]
