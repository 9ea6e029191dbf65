"""Lease: the records of its log in, who holds it, if anybody, out; pure.

Everybody who reads the log comes to the same answer, as the broker's order and the
broker's clock decide, and nothing else.
"""

from enum import StrEnum

import msgspec

LEASE_MS = 5_000
"""A holder of whom nothing is heard for so long has it no more: the worker is dead."""

BEAT_SECONDS = 1.0


class Action(StrEnum):
    """What a record says."""

    START = "start"
    BEAT = "beat"
    STOP = "stop"


class LeaseRecord(msgspec.Struct, frozen=True):
    """A wish to take the lease or to end it, or a sign of life."""

    action: Action
    holder: str
    """Who says so; of a stop that is asked for from outside: ""."""


class LeaseState:
    """What is so after the records that were applied."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.heard_ms = 0
        """When the holder was heard of last, by the broker's clock."""
        self._ended: set[str] = set()

    def apply(self, record: LeaseRecord, at_ms: int) -> bool:
        """Take the next record, with the broker's time; return whether it has had its effect."""
        if self.holder and at_ms - self.heard_ms > LEASE_MS:
            self._end()
        match record.action:
            case Action.START:
                return self.holder is None and self._hear(record.holder, at_ms)
            case Action.BEAT:
                return self._beat(record.holder, at_ms)
            case Action.STOP:
                return record.holder in ("", self.holder) and self._end()

    def _beat(self, holder: str, at_ms: int) -> bool:
        # The log is kept for a day: its begin may be the beats of one who began before.
        unknown = self.holder is None and holder not in self._ended
        return (unknown or holder == self.holder) and self._hear(holder, at_ms)

    def _hear(self, holder: str, at_ms: int) -> bool:
        self.holder, self.heard_ms = holder, at_ms
        return True

    def _end(self) -> bool:
        if self.holder is None:
            return False
        self._ended.add(self.holder)
        self.holder = None
        return True
