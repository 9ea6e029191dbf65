"""Keyed sums: rows and sums by key of some windows of a table, added up over the whole cluster."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final, Protocol, TypeVar

from dataflow.engine.query import Query, ReadMarks, ReadTotals
from dataflow.engine.query_result import QueryResult
from dataflow.engine.tables import OTHER, Count, Sum, Totals, Window, WindowedTable
from dataflow.engine.tables.answer import StartRange
from dataflow.engine.tables.table import COUNT

ALL_TIME: Final[StartRange] = (0, None)

A = TypeVar("A")


class Ask(Protocol):
    """Asks the owners of all partitions of some topics: `Queries.query`."""

    def __call__(self, topics: Collection[str], query: Query[A]) -> Awaitable[Mapping[str, QueryResult[A]]]:
        """Return what they answer."""


@dataclass(frozen=True, slots=True)
class KeyedSums:
    """By aggregation the sum of each key."""

    by_aggregation: Mapping[str, Counter[str]]
    end_ms: int = 0
    """Where the window ends; 0 for all time."""

    @property
    def rows(self) -> Counter[str]:
        """How many rows each key has."""
        return self.by_aggregation[COUNT]

    def top(self, most: int) -> set[str]:
        """Return the keys with most rows, `(other)` not among them."""
        named = ((rows, key) for key, rows in self.rows.items() if key != OTHER)
        return {key for _, key in nlargest(most, named)}


class ClusterSums:
    """Asks the owners of all partitions of a table; None where any of them does not answer.

    A sum without them would fall, and rise again: Prometheus would take that for new rows.
    """

    def __init__(self, ask: Ask, topics: Collection[str], table: WindowedTable) -> None:
        self._ask = ask
        self._topics = topics
        self._table = table
        self._names = tuple(
            name for name, each in table.aggregations.items() if isinstance(each, Count | Sum)
        )

    async def all_time(self) -> KeyedSums | None:
        """Return the sums since the table counts."""
        return await self._read(self._table.every_window[-1], ALL_TIME)

    async def last_closed(self, window: Window) -> KeyedSums | None:
        """Return the sums of the newest window of this size to which nothing more is added."""
        results = await self._ask(self._topics, ReadMarks(self._table.name, window.name, ALL_TIME, 1, True))
        if any(result.missing for result in results.values()):
            return None
        marks = [of for result in results.values() for of in result.by_partition.values()]
        watermark = min((of.watermark for of in marks if of.newest >= 0), default=-1)
        end_ms = watermark // window.size_ms * window.size_ms
        if end_ms <= 0:
            return None
        return await self._read(window, (end_ms - window.size_ms, end_ms), end_ms)

    async def _read(self, window: Window, starts: StartRange, end_ms: int = 0) -> KeyedSums | None:
        query = ReadTotals(self._table.name, window.name, starts, self._names)
        results = await self._ask(self._topics, query)
        parts = [part for result in results.values() for part in result.by_partition.values()]
        if any(result.missing for result in results.values()) or not all(map(_is_whole, parts)):
            return None
        # Of large answers the sums take long: a thread forms them, batches cannot wait.
        return KeyedSums(await asyncio.to_thread(self._added, parts), end_ms)

    def _added(self, parts: Sequence[Totals]) -> Mapping[str, Counter[str]]:
        sums = {name: Counter[str]() for name in self._names}
        for part in parts:
            for name, states in zip(self._names, part.by_aggregation, strict=False):
                for key, state in states.items():
                    sums[name][key] += int(state)  # beyond 64 bits it comes as a text
        return sums


def _is_whole(part: Totals) -> bool:
    """Tell whether a partition had not too many entries to be read."""
    return bool(part.by_aggregation) or not part.size
