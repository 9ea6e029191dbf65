"""Slow inputs: those of the fuzzer that take a target longer than their size explains, kept and reported."""

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

SLOW_SECONDS = 0.5
"""Of CPU, for one input of the fuzzer; all that is known takes less than a tenth of it."""
TRIES = 3
WORSE = 1.5
"""Another input of the same target is reported only if it is so many times as slow."""


class SlowInputs:
    """Runs targets; none fails for being slow, as a machine may be."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.process_time) -> None:
        self.slowest: dict[str, float] = {}
        """The seconds of the slowest input that was reported, by target."""
        self._folder = folder
        self._clock = clock

    def run(self, name: str, target: Callable[[bytes], None], raw: bytes) -> None:
        """Give an input to a target; report it if it is slow each time."""
        seconds = self._seconds(target, raw)
        if seconds < max(SLOW_SECONDS, WORSE * self.slowest.get(name, 0)):
            return
        seconds = min(seconds, *(self._seconds(target, raw) for _ in range(TRIES - 1)))
        if seconds >= max(SLOW_SECONDS, WORSE * self.slowest.get(name, 0)):
            self._report(name, raw, seconds)

    def _seconds(self, target: Callable[[bytes], None], raw: bytes) -> float:
        begun = self._clock()
        target(raw)
        return self._clock() - begun

    def _report(self, name: str, raw: bytes, seconds: float) -> None:
        self.slowest[name] = seconds
        kept = self._folder / f"fuzz-slow-{sha256(name.encode() + raw).hexdigest()[:12]}"
        kept.write_bytes(raw)
        print(f"SLOW: {name} takes {seconds:.2f} s for {len(raw)} bytes, kept in {kept}", flush=True)
