"""Rounds: the rows run in turn, the large input and the small one, until the time is up."""

import time
from collections.abc import Callable, Sequence

from contest import Arena, Run, run_once
from contestant import Contestant


class Rounds:
    """All runs so far; a row whose two runs would end after `until` is not begun."""

    def __init__(
        self,
        arena: Arena,
        contestants: Sequence[Contestant],
        until: float,
        *,
        quick: bool,
        tell: Callable[[str], None],
    ) -> None:
        self.runs: list[Run] = []
        self._arena, self._contestants, self._until = arena, contestants, until
        self._quick, self._tell = quick, tell
        self._seconds: dict[str, float] = {}
        self._filled: set[str] = set()

    def run(self, number: int) -> None:
        """Let every row run once more; first those that targets are about, as the time may be up."""
        for contestant in sorted(self._contestants, key=lambda c: not c.judged):
            began = time.monotonic()
            if began + self._seconds.get(contestant.name, 0.0) <= self._until:
                self._run(contestant, number)
                self._seconds[contestant.name] = time.monotonic() - began

    def _run(self, contestant: Contestant, number: int) -> None:
        for events in contestant.sizes(quick=self._quick):
            self._fill(contestant, events)
            run = run_once(self._arena, contestant, events, number)
            self.runs.append(run)
            right = f"NOT EXACT: {run.faults}" if run.faults else "exact"
            self._tell(
                f"round {number + 1}: {run.name}, {run.events:,} events, {run.cpu_seconds:.2f} s CPU, "
                f"others {run.other_cores:.2f} cores, {right}"
            )

    def _fill(self, contestant: Contestant, events: int) -> None:
        topic = contestant.given.topic(events)
        if topic not in self._filled:
            self._arena.cluster.make_topics([topic])
            self._arena.cluster.fill(topic, contestant.given.make(events))
            self._filled.add(topic)
