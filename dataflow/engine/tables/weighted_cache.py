"""Weighted cache: results as long as they are asked for, together within a bound."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class WeightedCache(Generic[V]):
    """Keeps the results that were used last; at least one, however heavy."""

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self.weight = 0
        self._kept: OrderedDict[Hashable, tuple[int, V]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return a result; None if it is not there."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def put(self, key: Hashable, result: V, weight: int) -> None:
        """Keep a result in place of the one before."""
        self.forget(key)
        self._kept[key] = weight, result
        self.weight += weight
        while self.weight > self._max_weight and len(self._kept) > 1:
            self.weight -= self._kept.popitem(last=False)[1][0]

    def forget(self, key: Hashable) -> None:
        """Forget a result, if it is there."""
        if key in self._kept:
            self.weight -= self._kept.pop(key)[0]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.weight = 0
