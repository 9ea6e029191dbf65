"""Remembered answers: a pure function of short texts in, a bounded dict of its answers out."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K", bound=str | int | tuple[str | None, ...] | None)
V = TypeVar("V")

_BOUND = 16_384
_LONGEST_KEY = 512


class BoundedCache(dict[K, V]):
    """Answers of `function`; ``remembered[key]`` computes what it does not know yet.

    A hit is one look-up in C. Memory is bounded: a full one starts again empty, and what
    was asked with a long text (an attacker's) is computed each time.
    """

    def __init__(self, function: Callable[[K], V], bound: int = _BOUND) -> None:
        super().__init__()
        self._function = function
        self._bound = bound

    def __missing__(self, key: K) -> V:
        answer = self._function(key)
        if _length(key) <= _LONGEST_KEY:
            if len(self) >= self._bound:
                # Removing the oldest one by one would walk over ever more dead entries.
                self.clear()
            self[key] = answer
        return answer


def _length(key: str | int | tuple[str | None, ...] | None) -> int:
    if isinstance(key, tuple):
        return sum(len(part) for part in key if part is not None)
    if isinstance(key, int):
        return key.bit_length()
    return 0 if key is None else len(key)
