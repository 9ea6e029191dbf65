"""Measured: the runs of all rows and the figures beside them in, one number for a question out."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from contest import Run
from promise import Promise

CPU, BROKER_CPU = attrgetter("cpu_seconds"), attrgetter("broker_seconds")
SLOW_MACHINE_US, FAST_MACHINE_US = 36.0, 16.4
"""What the access-log loop by hand took on the two machines that targets speak of."""


class Measured:
    """All that one report knows; None where something was not measured, or not right."""

    def __init__(self, runs: Sequence[Run], promises: Sequence[Promise]) -> None:
        self._runs = [run for run in runs if not run.faults]
        self._figures: dict[str, float] = {}
        for promise in promises:
            self._figures |= promise.figures

    def figure(self, name: str) -> float | None:
        """Return a figure of a measurement."""
        return self._figures.get(name)

    def costs(self, name: str, of: Callable[[Run], float] = CPU) -> dict[int, float]:
        """Return µs an event by round, start-up left out: the large run less the small one."""
        return slopes([run for run in self._runs if run.name == name], of)

    def cost(self, name: str) -> float | None:
        """Return the median of the rounds."""
        costs = self.costs(name).values()
        return statistics.median(costs) if costs else None

    def ratio(self, ours: str, theirs: str, of: Callable[[Run], float] = CPU) -> float | None:
        """Return the median of our cost divided by theirs, round by round."""
        found = ratios(self.costs(ours, of), self.costs(theirs, of))
        return statistics.median(found) if found else None

    def peak_bytes(self, name: str) -> float | None:
        """Return the median of the most memory that the large runs had."""
        runs = [run for run in self._runs if run.name == name]
        most = max((run.events for run in runs), default=0)
        peaks = [run.peak_bytes for run in runs if run.events == most]
        return statistics.median(peaks) if peaks else None

    @property
    def slowness(self) -> float | None:
        """How many times slower than the slower machine this one is: below 1 it is faster."""
        by_hand = self.cost("B-hand")
        return by_hand / SLOW_MACHINE_US if by_hand else None

    @property
    def is_slow(self) -> bool:
        """Whether this machine is nearer to the slower of the two, or not known: that bound is stricter."""
        by_hand = self.cost("B-hand")
        return by_hand is None or by_hand**2 >= SLOW_MACHINE_US * FAST_MACHINE_US


def slopes(runs: Sequence[Run], of: Callable[[Run], float]) -> dict[int, float]:
    """Return by round what one more event takes, in µs."""
    rounds: dict[int, list[Run]] = {}
    for run in sorted(runs, key=attrgetter("events")):
        rounds.setdefault(run.number, []).append(run)
    return {
        number: (of(pair[1]) - of(pair[0])) / (pair[1].events - pair[0].events) * 1e6
        for number, pair in rounds.items()
        if len(pair) == 2
    }


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Return ours to theirs for each round that both have."""
    return [cost / theirs[number] for number, cost in ours.items() if theirs.get(number, 0) > 0]
