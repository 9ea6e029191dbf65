"""Ranking: pages of keys, the greatest count first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

_PLACE = re.compile(r"([0-9]{1,18}):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RankedKey:
    """A key and how many requests it had; as a text ``17:/path``, it is a place between two pages."""

    count: int
    key: str

    def __str__(self) -> str:
        return f"{self.count}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a text names; raise ValueError."""
        match = _PLACE.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return cls(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the keys in order: the greatest count first, equal ones by key."""

    total: int
    """Requests of all keys."""
    entries: Sequence[RankedKey]
    is_last: bool


def page_of(counts: Iterable[tuple[str, int]], limit: int, after: RankedKey | None) -> Page:
    """Return the keys behind a place, or the first ones.

    The place is a count and a key, not a number of rows: a key that moves up meanwhile may
    be missed, none comes twice.
    """
    ranked = sorted((-count, key) for key, count in counts)
    total = -sum(count for count, _ in ranked)
    if after is not None:
        ranked = [entry for entry in ranked if entry > (-after.count, after.key)]
    entries = [RankedKey(-count, key) for count, key in ranked[:limit]]
    return Page(total, entries, is_last=len(ranked) <= limit)
