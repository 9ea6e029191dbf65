"""Generated events: of the streams that have no sample, in small numbers beside the samples."""

import random
from collections.abc import Mapping
from datetime import datetime

from dataflow.demo.generators.kinds import KINDS, generator_of

_KINDS: Mapping[str, str] = {KINDS[kind].topic: kind for kind in ("access-logs", "events")}
GENERATED_TOPICS = tuple(_KINDS)
ONE_IN = 10
"""Events are of each generated stream."""


class GeneratedEvents:
    """Generates a tenth of all events for each of these streams."""

    def __init__(self, events_a_second: int) -> None:
        rng, rate = random.Random(0), events_a_second / ONE_IN
        self._generators = {topic: generator_of(kind, rng, rate) for topic, kind in _KINDS.items()}
        self._owed = 0

    def lines(self, events: int, now: datetime) -> dict[str, list[bytes]]:
        """Return lines by topic that happen now, where so many events are due in all."""
        count, self._owed = divmod(self._owed + events, ONE_IN)
        if not count:
            return {}
        times_us = [int(now.timestamp() * 1_000_000)] * count
        return {topic: generator.lines(times_us) for topic, generator in self._generators.items()}
