"""The state of a partition: what is counted of it, as its changelog keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.table_partition import TablePartition

PARTITION_KEY = b"|partition"
"""Changelog key of a partition's own numbers; table entries begin with the table's name."""

CLOCK_SKEW_MS = 60_000
"""How far the clocks of workers may be apart."""


@dataclass(slots=True)
class PartitionState:
    """Counted events, tables, and the newest record timestamp."""

    table_partitions: dict[str, TablePartition]
    event_counts: EventCounts
    stream_time_ms: int = 0
    position: int | None = None
    """End of what is counted; None: nothing yet."""

    @classmethod
    def of(cls, tables: Iterable[WindowedTable]) -> "PartitionState":
        """Return the state of a partition of which nothing is counted yet."""
        return cls({table.name: TablePartition(table) for table in tables}, EventCounts())

    def rewind(self, now_ms: int) -> int:
        """Go back to now wherever time is far ahead of it; return by how many ms at most.

        The releases before ours believed any record timestamp.
        """
        newest = (part.event_time.newest for part in self.table_partitions.values())
        ahead = max([self.stream_time_ms, *newest]) - now_ms
        if ahead <= CLOCK_SKEW_MS:
            return 0
        self.stream_time_ms = min(self.stream_time_ms, now_ms)
        for table_partition in self.table_partitions.values():
            table_partition.rewind(now_ms)
        return ahead

    def encode_numbers(self, position: int) -> bytes:
        """Return the changelog value of a partition's own numbers, counted up to `position`."""
        return msgspec.msgpack.encode([position, self.stream_time_ms, self.event_counts.as_mapping()])

    def load_numbers(self, value: bytes) -> None:
        """Undo `encode_numbers`."""
        self.position, self.stream_time_ms, event_counts = msgspec.msgpack.decode(value)
        self.event_counts = EventCounts.from_mapping(event_counts)
