"""Pace: how many events fall into each tenth of a second of a run, and when; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

DAY_SECONDS = 86_400.0
TICK_SECONDS = 0.1
BUSIEST_HOUR = 20.0
SWING = 0.7
"""At the busiest hour 1.7 times the mean of the day, twelve hours later 0.3 times."""

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tick:
    """Events of a tenth of a second; `end_seconds` counts from the begin of the run."""

    end_seconds: float
    times_us: Sequence[int]
    """Event times, microseconds since 1970 UTC, in order."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A run: `rate` × `seconds` events in all, more of them by day than by night.

    `rate` is the mean over the run, or over a day if the run has no end (`seconds` is None).
    """

    rate: float
    start_us: int
    seconds: float | None = None

    def ticks(self) -> Iterator[Tick]:
        """Yield every tick of the run, also those without events; the clock is not asked."""
        due_before, number = 0, 0
        while self.seconds is None or number * TICK_SECONDS < self.seconds:
            begin, number = number * TICK_SECONDS, number + 1
            end = number * TICK_SECONDS
            if self.seconds is not None:
                end = min(end, self.seconds)
            due = self._events_until(end)
            yield Tick(end, self._spread(begin, end, due - due_before))
            due_before = due

    def _events_until(self, elapsed: float) -> int:
        span = DAY_SECONDS if self.seconds is None else self.seconds
        share = self._weight_until(elapsed) / self._weight_until(span)
        return round(self.rate * span * share)

    def _weight_until(self, elapsed: float) -> float:
        """Integrate the daily curve ``1 + SWING × cos`` from the start of the run."""
        turn = 2 * pi / DAY_SECONDS
        at = self.start_us / _MICROSECONDS % DAY_SECONDS - BUSIEST_HOUR * 3600
        # A sum of sines would lose its digits for a tenth of a second.
        middle, half = turn * (at + elapsed / 2), turn * elapsed / 2
        return elapsed + SWING * cos(middle) * (sin(half) / half if half else 1.0) * elapsed

    def _spread(self, begin: float, end: float, events: int) -> list[int]:
        first = self.start_us + round(begin * _MICROSECONDS)
        width = round((end - begin) * _MICROSECONDS)
        return [first + width * place // events for place in range(events)]
