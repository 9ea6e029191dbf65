"""Where blocks end: the lines of one partition in; how many of them still belong to the block out.

A block is a stretch of a partition's log; its records make one object an hour. Offsets are
committed where a block ends and nowhere else, and where it ends depends on nothing but the
records since its begin. So whoever reads on from a committed offset, a second time or at
the same time, writes the same objects, byte for byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

ENOUGH_TO_JUDGE = 16  # records: out of order by chance is as good as certain among so many


class ObjectLine(NamedTuple):
    """A record as it is stored."""

    offset: int
    arrived_ms: int
    """When it came into Kafka."""
    hour: int
    """Of the event or of its arrival, counted since 1970 UTC."""
    raw: bytes
    """With its line feed."""


@dataclass(frozen=True, slots=True)
class CutRules:
    """What ends a block. Change them only while nothing waits to be stored."""

    records: int = 100_000
    """It ends at the offsets that are multiples of this."""
    raw_bytes: int = 256 << 20
    """It ends before the record that makes it larger; a larger record is a block by itself."""
    span_ms: int = 60 * 60 * 1000
    """It ends when a record arrived so long after the first one: a slow topic is stored, too.

    Not as long as arrival times run backward by as much (a replayed history), nor among the
    first sixteen records.
    """


class Extent:
    """How far a block reaches."""

    def __init__(self, rules: CutRules, first: ObjectLine) -> None:
        self.first_offset = first.offset
        self._rules = rules
        self._began_ms = self._newest_ms = first.arrived_ms
        self._in_order = True
        self._records = self._raw_bytes = 0

    def reach(self, lines: Iterable[ObjectLine]) -> int:
        """Return how many of the lines, that are the next ones, belong to the block; they do now."""
        taken = 0
        for line in lines:
            if self._records and self._ends_before(line):
                break
            self._records += 1
            self._raw_bytes += len(line.raw)
            self._in_order = self._in_order and line.arrived_ms > self._newest_ms - self._rules.span_ms
            self._newest_ms = max(self._newest_ms, line.arrived_ms)
            taken += 1
        return taken

    def ends_by(self, offset: int) -> bool:
        """Return whether no record from this offset on can belong to the block."""
        return offset // self._rules.records > self.first_offset // self._rules.records

    def _ends_before(self, line: ObjectLine) -> bool:
        return (
            self.ends_by(line.offset)
            or self._raw_bytes + len(line.raw) > self._rules.raw_bytes
            or (
                self._records >= ENOUGH_TO_JUDGE
                and self._in_order
                and line.arrived_ms - self._began_ms >= self._rules.span_ms
            )
        )
