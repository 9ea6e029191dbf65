"""Shrinking: a sequence that fails in; a short one that fails as well out (delta debugging: ddmin)."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrink(steps: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return steps none of which can be left out; `fails` tries a sequence."""
    left, parts = list(steps), 2
    while len(left) >= 2:
        size = -(-len(left) // parts)
        chunks = [left[start : start + size] for start in range(0, len(left), size)]
        shorter = next((each for each in _candidates(chunks) if fails(each)), None)
        if shorter is not None:
            parts = max(2, min(parts - 1, len(shorter)))
            left = shorter
        elif parts >= len(left):
            break
        else:
            parts = min(2 * parts, len(left))
    return left


def _candidates(chunks: Sequence[list[T]]) -> list[list[T]]:
    """Return each chunk alone, then all but each chunk."""
    without = [[step for other in chunks if other is not chunk for step in other] for chunk in chunks]
    return [*chunks, *(without if len(chunks) > 2 else [])]
