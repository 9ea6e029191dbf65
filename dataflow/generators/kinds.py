"""Kinds: the name of what to generate in, its topic and its generator out."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dataflow.generators.access_logs import AccessLogs
from dataflow.generators.analytics_events import AnalyticsEvents
from dataflow.generators.bookings import Bookings
from dataflow.generators.broken import break_some
from dataflow.generators.cdn_logs import CdnLogs
from dataflow.generators.pace import Pace, Tick
from dataflow.generators.page_views import PageViews
from dataflow.topics import ACCESS_LOGS, ANALYTICS_EVENTS, CDN_LOGS, EXPEDIA, RAW_WEB_EVENTS


class Generator(Protocol):
    """Makes events of one stream; what it makes depends on its seed, its rate and the times alone."""

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one event for each time, in order; there is at least one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A stream that can be generated: where it goes, and by what it is made."""

    topic: str
    make: Callable[[random.Random, float], Generator]


KINDS: Mapping[str, Kind] = {
    "page-views": Kind(RAW_WEB_EVENTS, PageViews),
    "bookings": Kind(EXPEDIA, Bookings),
    "cdn-logs": Kind(CDN_LOGS, CdnLogs),
    "access-logs": Kind(ACCESS_LOGS, AccessLogs),
    "events": Kind(ANALYTICS_EVENTS, AnalyticsEvents),
}


def generate(
    kind: str, pace: Pace, *, seed: int = 0, broken: float = 0.0
) -> Iterator[tuple[Tick, list[bytes]]]:
    """Yield the ticks that have events, with their lines; the same arguments give the same bytes."""
    rng = random.Random(seed)
    generator = KINDS[kind].make(rng, pace.rate)
    for tick in pace.ticks():
        if tick.times_us:
            lines = generator.lines(tick.times_us)
            yield tick, break_some(lines, broken, rng) if broken else lines
