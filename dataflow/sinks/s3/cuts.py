"""Cuts: where a block of a partition ends.

A block is a range of a partition's log; its records become one object an hour. Offsets are
only committed at the end of a block, and the end depends on nothing but the records since the
begin of the block. So every worker that continues at a committed offset, later or at the same
time, writes the same objects, byte for byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

ENOUGH_TO_JUDGE = 16  # records: if a history is replayed out of order, so many records show it


class ObjectLine(NamedTuple):
    """A record as a line of an object."""

    offset: int
    arrived_ms: int
    """When it came to Kafka."""
    hour: int
    """Hour of the event or of its arrival, counted since 1970 UTC."""
    raw: bytes
    """With its line feed."""


@dataclass(frozen=True, slots=True)
class CutRules:
    """What ends a block. Change these rules only while no records are buffered."""

    records: int = 100_000
    """A block ends at offsets that are multiples of this."""
    raw_bytes: int = 256 << 20
    """A block ends before the record that would make it larger; a larger record is a block of its own."""
    span_ms: int = 60 * 60 * 1000
    """A block ends when a record arrived so long after the first one, so slow topics are stored, too.

    This does not apply to a replayed history, whose arrival times run backward by as much, nor
    to the first sixteen records.
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
        """Add those of the next lines that belong to the block; return how many these are."""
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
        """Tell whether no record from this offset on can belong to the block."""
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
