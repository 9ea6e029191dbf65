"""Analytics events: generated sessions of devices that sometimes earn money."""

import random
from collections.abc import Iterable, Sequence
from itertools import repeat

from dataflow.demo.generators.sessions import Sessions, draws
from dataflow.demo.generators.times import ISO, milliseconds_of, seconds_of
from dataflow.stages.bounded_cache import BoundedCache

DEVICES = 50_000
SKEW = 0.6
SESSIONS = 1_000
PURCHASE_SHARE = 0.4

Step = tuple[bytes, bytes]
"""What stands up to the type, and the type."""

_TYPE_TO_SECOND = BoundedCache[int, bytes](lambda second: b'", "created_on": "%b.' % ISO[second])


class AnalyticsEvents:
    """Generates topic ``analytics-events``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._devices = draws(rng, range(DEVICES), SKEW)
        self._event_types = draws(rng, [_event_types(rng) for _ in range(SESSIONS)])
        self._sessions = Sessions(rng, rate, self._begin)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one event for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        seconds = seconds_of(times_us, _TYPE_TO_SECOND)
        rows = zip(seconds, milliseconds_of(times_us), steps, strict=False)
        return [b"".join((*step, second, ms, b'Z"}')) for second, ms, step in rows]

    def _begin(self, _now_us: int) -> Iterable[Step]:
        device = b'{"device_id": "device-%05d", "event_type": "' % next(self._devices)
        return zip(repeat(device), next(self._event_types), strict=False)


def _event_types(rng: random.Random) -> list[bytes]:
    """Return the types of the events of one session."""
    types = [b"START_SESSION"]
    while rng.random() < PURCHASE_SHARE:
        types.append(b"REVENUE")
    return [*types, b"END_SESSION"]
