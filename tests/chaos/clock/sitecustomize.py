"""A wall clock that a test sets wrong: a file holds the seconds that are added to what it says.

Python imports this in every process that finds it on its path. Of the monotonic clock nothing changes.
"""

import os
import time
from pathlib import Path

FILE = Path(os.environ["CHAOS_CLOCK"])
LOOK_SECONDS = 0.1
SECOND_NS = 1_000_000_000
true_ns = time.time_ns


class Clock:
    """Adds what the file says now."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._ahead_ns = 0

    def ns(self) -> int:
        """Return the time in place of `time.time_ns`."""
        now = time.monotonic()
        if now - self._looked_at > LOOK_SECONDS:
            self._looked_at = now
            self._ahead_ns = int(FILE.read_text()) * SECOND_NS if FILE.exists() else 0
        return true_ns() + self._ahead_ns

    def seconds(self) -> float:
        """Return the time in place of `time.time`."""
        return self.ns() / SECOND_NS


clock = Clock()
time.time_ns, time.time = clock.ns, clock.seconds
