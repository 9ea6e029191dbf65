"""Analytics events: event times in, sessions of devices that sometimes earn money out."""

import random
from collections.abc import Sequence

from dataflow.generators.sessions import Sessions, drawn
from dataflow.generators.times import ISO, SECOND_US

DEVICES = 50_000
SKEW = 0.6
PURCHASE_SHARE = 0.4


class AnalyticsEvents:
    """Generates topic ``analytics-events``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        self._devices = drawn(rng, range(DEVICES), SKEW)
        self._sessions = Sessions(rng, rate, self._begin)

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one event for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        return [
            b'%b%b.%03dZ"}' % (step, ISO[time_us // SECOND_US], time_us // 1_000 % 1_000)
            for time_us, step in zip(times_us, steps, strict=True)
        ]

    def _begin(self, _now_us: int) -> list[bytes]:
        kinds = [b"END_SESSION"]
        while self._rng.random() < PURCHASE_SHARE:
            kinds.append(b"REVENUE")
        kinds.append(b"START_SESSION")
        device = b'{"device_id": "device-%05d", "event_type": "' % next(self._devices)
        return [device + kind + b'", "created_on": "' for kind in kinds]
