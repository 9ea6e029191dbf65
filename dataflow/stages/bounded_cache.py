"""Bounded cache: the results of a pure function of short texts."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K", bound=str | int | tuple[str | None, ...] | None)
V = TypeVar("V")

_BOUND = 16_384
LONGEST_KEY = 512


class BoundedCache(dict[K, V]):
    """Results of `function`; ``cache[key]`` computes missing ones.

    A hit is one look-up in C. Memory is bounded: a full cache is cleared, and results for long
    keys, which may come from an attacker, are not cached.
    """

    def __init__(self, function: Callable[[K], V], bound: int = _BOUND) -> None:
        super().__init__()
        self._function = function
        self._bound = bound

    def __missing__(self, key: K) -> V:
        answer = self._function(key)
        if _length(key) <= LONGEST_KEY:
            if len(self) >= self._bound:
                # Removing the oldest entries one by one would get slower with each removal.
                self.clear()
            self[key] = answer
        return answer


def _length(key: str | int | tuple[str | None, ...] | None) -> int:
    if isinstance(key, tuple):
        return sum(len(part) for part in key if part is not None)
    if isinstance(key, int):
        return key.bit_length()
    return 0 if key is None else len(key)
