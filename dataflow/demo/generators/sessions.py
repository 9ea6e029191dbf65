"""Sessions: interleaves what visitors do one after the other, as a server sees it; those of the sample."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, groupby, repeat
from typing import Generic, TypeVar

from dataflow.demo.samples import sample_events

Step = TypeVar("Step")
Choice = TypeVar("Choice")

GAP_SECONDS = 20.0
"""Between two steps of one visitor, on average."""

FEWEST, MOST = 8, 2_000
"""Sessions at a time; more would not stay in the caches of a processor."""

_DRAWN_AT_ONCE = 4_096
_POOL = 65_536


class Sessions(Generic[Step]):
    """Visitors on the site; `begin(now_us)` gives the steps of a new one, in order."""

    def __init__(self, rng: random.Random, rate: float, begin: Callable[[int], Iterable[Step]]) -> None:
        self._rng = rng
        self._now_us = 0
        at_a_time = min(max(FEWEST, int(rate * GAP_SECONDS)), MOST)
        # Each place is one visitor after the other; a step is taken without a line of Python.
        self._places = [chain.from_iterable(_endless(lambda: begin(self._now_us))) for _ in range(at_a_time)]

    def steps(self, events: int, now_us: int) -> list[Step]:
        """Return the next steps, each of some visitor; one who has ended makes room for another."""
        self._now_us = now_us
        return list(map(next, self._rng.choices(self._places, k=events)))


def draws(rng: random.Random, population: Sequence[Choice], skew: float = 0.0) -> Iterator[Choice]:
    """Return members for ever, the n-th in proportion to ``n ** -skew``.

    They come many at a time: one by one would cost four times more. With a skew they
    come from `_POOL` draws by weight, made once.
    """
    if skew:
        weights = list(accumulate(rank**-skew for rank in range(1, len(population) + 1)))
        population = rng.choices(population, cum_weights=weights, k=_POOL)
    return chain.from_iterable(_endless(lambda: rng.choices(population, k=_DRAWN_AT_ONCE)))


def _endless(make: Callable[[], Iterable[Choice]]) -> Iterator[Iterable[Choice]]:
    return (make() for _ in repeat(None))


LONGEST = 30
"""Requests: crawlers come again under another address instead of one for ever."""

Line = Mapping[str, str]
Rendered = TypeVar("Rendered")


def sample_visits() -> list[list[Line]]:
    """Return what each client of the sample did, in order; popular pages are as popular as they were."""
    lines = [json.loads(raw) for raw in sample_events("cdn-logs")]
    lines.sort(key=lambda line: str(line["cliIP"]))  # keeps the order of each client
    visits = []
    for _, requests in groupby(lines, key=lambda line: str(line["cliIP"])):
        of_client = list(requests)
        visits += [of_client[at : at + LONGEST] for at in range(0, len(of_client), LONGEST)]
    return visits


def visit_sessions(
    rng: random.Random, rate: float, render: Callable[[Line], Rendered]
) -> Sessions[tuple[bytes, Rendered]]:
    """Return sessions of clients, each with an address, that repeat what those of the sample did."""
    visits = draws(rng, [list(map(render, visit)) for visit in sample_visits()])
    return Sessions(rng, rate, lambda _: zip(repeat(_address(rng)), next(visits), strict=False))


def _address(rng: random.Random) -> bytes:
    """Return the address of a client; some networks have many more of them than others."""
    network = int(rng.paretovariate(1.0))
    host = rng.getrandbits(16)
    return b"%d.%d.%d.%d" % (1 + network * 7 % 223, network % 251, host >> 8, host & 255)
