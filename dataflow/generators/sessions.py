"""Sessions: what visitors do one after the other in, the same interleaved as a server sees it out."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

Step = TypeVar("Step")
Choice = TypeVar("Choice")

GAP_SECONDS = 20.0
"""Between two steps of one visitor, on average."""

FEWEST, MOST = 8, 10_000
"""Sessions at a time."""

_DRAWN_AT_ONCE = 4_096


class Sessions(Generic[Step]):
    """Visitors on the site; `begin(now_us)` gives the steps of a new one, the last first."""

    def __init__(self, rng: random.Random, rate: float, begin: Callable[[int], list[Step]]) -> None:
        self._rng = rng
        self._begin = begin
        self._open: list[list[Step]] = [[] for _ in range(min(max(FEWEST, int(rate * GAP_SECONDS)), MOST))]

    def steps(self, events: int, now_us: int) -> list[Step]:
        """Return the next steps, each of some visitor; one who has ended makes room for another."""
        taken: list[Step] = []
        opened, begin, append = self._open, self._begin, taken.append
        for slot in self._rng.choices(range(len(opened)), k=events):
            steps = opened[slot]
            if not steps:
                steps = opened[slot] = begin(now_us)
            append(steps.pop())
        return taken


def drawn(rng: random.Random, population: Sequence[Choice], skew: float = 0.0) -> Iterator[Choice]:
    """Yield members for ever, the n-th in proportion to ``n ** -skew``.

    They are drawn many at a time: one by one would cost four times more.
    """
    weights = list(accumulate(rank**-skew for rank in range(1, len(population) + 1))) if skew else None
    while True:
        yield from rng.choices(population, cum_weights=weights, k=_DRAWN_AT_ONCE)
