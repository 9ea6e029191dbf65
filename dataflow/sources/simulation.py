"""Simulation: the records of its log in, whether one runs, and whose it is, out; pure.

Every worker that reads the log comes to the same answer, as the broker's order and the
broker's clock decide, and nothing else.
"""

from enum import StrEnum

import msgspec

LEASE_MS = 5_000
"""A simulation of which nothing is heard for so long has ended: its worker is dead."""

BEAT_SECONDS = 1.0


class Action(StrEnum):
    """What a record says."""

    START = "start"
    BEAT = "beat"
    STOP = "stop"


class SimulationRecord(msgspec.Struct, frozen=True):
    """A wish to start or stop, or a sign of life."""

    action: Action
    simulation: str
    """The id of the simulation; of a stop that is asked for from outside: ""."""


class SimulationState:
    """What is so after the records that were applied."""

    def __init__(self) -> None:
        self.running: str | None = None
        self._heard_ms = 0
        self._ended: set[str] = set()

    def apply(self, record: SimulationRecord, at_ms: int) -> bool:
        """Take the next record, with the broker's time; return whether it has had its effect."""
        if self.running and at_ms - self._heard_ms > LEASE_MS:
            self._end()
        match record.action:
            case Action.START:
                return self.running is None and self._hear(record.simulation, at_ms)
            case Action.BEAT:
                return self._beat(record.simulation, at_ms)
            case Action.STOP:
                return record.simulation in ("", self.running) and self._end()

    def _beat(self, simulation: str, at_ms: int) -> bool:
        # The log is kept for a day: its begin may be the beats of one that was started before.
        unknown = self.running is None and simulation not in self._ended
        return (unknown or simulation == self.running) and self._hear(simulation, at_ms)

    def _hear(self, simulation: str, at_ms: int) -> bool:
        self.running, self._heard_ms = simulation, at_ms
        return True

    def _end(self) -> bool:
        if self.running is None:
            return False
        self._ended.add(self.running)
        self.running = None
        return True
