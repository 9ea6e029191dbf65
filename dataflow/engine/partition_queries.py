"""Queries that every partition answers: windows of a table, their totals, and event counts."""

from collections.abc import Sequence
from typing import Any

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.partition import Partition
from dataflow.engine.query import Query
from dataflow.engine.tables import Part, Totals


class ReadWindows(Query[Part], frozen=True):
    """The windows of a table that overlap [`from_ms`, `to_ms`), of one key or all."""

    table: str
    window: str
    from_ms: int | None = None
    to_ms: int | None = None
    key: str | None = None

    def read(self, partition: Partition) -> Part:
        """Return the entries."""
        stored = partition.state.table_partitions[self.table]
        return stored.answer(stored.table.window(self.window), self.from_ms, self.to_ms, self.key)


class ReadTotals(Query[Totals], frozen=True):
    """Some aggregations of a table, added up over the windows that overlap [`from_ms`, `to_ms`)."""

    table: str
    window: str
    from_ms: int | None
    to_ms: int | None
    aggregations: tuple[str, ...]

    def read(self, partition: Partition) -> Totals:
        """Return the totals by key."""
        stored = partition.state.table_partitions[self.table]
        window = stored.table.window(self.window)
        return stored.totals(window, self.from_ms, self.to_ms, self.aggregations)


class ReadEventCounts(Query[EventCounts], frozen=True):
    """How many events came in, and where they ended."""

    def read(self, partition: Partition) -> EventCounts:
        """Return the counts."""
        return partition.state.event_counts


PARTITION_QUERIES: Sequence[type[Query[Any]]] = (ReadWindows, ReadTotals, ReadEventCounts)
