"""Cluster table: what the owners of all partitions have of a table, merged; kept until it changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final, TypeVar

import msgspec

from dataflow.engine.query import Queries, Query, ReadEntries, ReadMarks, ReadStates
from dataflow.engine.query_result import Owner, QueryResult
from dataflow.engine.tables import OTHER, Window, WindowedTable
from dataflow.engine.tables.answer import StartRange, States, WindowMarks
from dataflow.engine.tables.merging import Json, Ranking, added_up, entry_of, ranked
from dataflow.engine.tables.steps import Steps
from dataflow.engine.tables.table import KEY
from dataflow.engine.tables.window_entry import EntryFormat, Packed
from dataflow.engine.tables.window_reader import KEY_BYTES
from dataflow.http_error import unavailable
from dataflow.web.table_page import TopicPartition, WindowSpan
from dataflow.web.table_request import MOST_ENTRIES

A = TypeVar("A")

ALL_KEYS: Final = "(all)"
"""Key of the entry that has all of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer has of a window: the entries of these keys, which come after so many others."""

    span: WindowSpan
    begin: int
    keys: tuple[str, ...]
    total: int
    is_together: bool = False
    """Whether one entry has all of them."""


class ClusterTable:
    """Asks about windows of one size; partitions whose owners do not answer are missing in `results`."""

    def __init__(
        self, queries: Queries, topics: Sequence[str], table: WindowedTable, window: Window, order: str
    ) -> None:
        self.table = table
        self.topics = topics
        self._queries = queries
        self._names = table.name, window.name
        self._order = order
        self._format = EntryFormat(table, window)
        self._slot = 1 if order == KEY else 1 + self._format.names.index(order)
        self.is_costly = self._slot in self._format.large_slots
        """Whether the order is one of large states."""
        self.results: list[QueryResult[Any]] = []
        self._owners: set[Owner] = set()
        self._silent: set[str] = set()
        self._is_whole = True  # whether all questions were answered by the same owners

    async def marks(
        self, starts: StartRange, most: int, *, newest: bool
    ) -> Mapping[TopicPartition, WindowMarks]:
        """Return which windows there are; raise `HttpError` when nobody answers."""
        marks = await self._ask(ReadMarks(*self._names, starts, most, newest))
        if not marks and self.suspended:
            raise unavailable(next(iter(self.suspended.values())))
        if not marks:
            raise unavailable(
                f"partitions of {', '.join(self.topics)} are being taken over; "
                "none of their owners has answered in time"
            )
        return marks

    async def has(self, key: str) -> bool:
        """Tell whether any window has a key."""
        found = await self._ask(ReadEntries(*self._names, [((0, None), [key])]))
        return any(entries != [[[]]] for entries in found.values())

    async def rankings(self, spans: Sequence[WindowSpan]) -> list[Ranking]:
        """Return the keys of each window in order."""
        async with self._queries.place((*self._names, self._order)):
            return await self._rankings(spans)

    async def _rankings(self, spans: Sequence[WindowSpan]) -> list[Ranking]:
        kept = {span: self._kept(span, self._order) for span in spans}
        changed = [span for span, ranking in kept.items() if ranking is None]
        if changed:
            slot = 1 if self.is_costly else self._slot
            query = ReadStates(*self._names, [span.starts for span in changed], slot)
            states = zip(*(await self._ask(query)).values(), strict=True)
            rankings = await self._queries.in_turn(self._ranked(slot, states))
            if self.is_costly:
                rankings = await self._ranked_by_large(changed, rankings)
            for span, ranking in zip(changed, rankings, strict=True):
                kept[span] = ranking
                self._keep(span, self._order, ranking, KEY_BYTES * len(ranking.keys))
        return list(kept.values())

    async def entries(self, shown: Sequence[Shown]) -> list[bytes]:
        """Return the entries of each window as JSON."""
        async with self._queries.place((*self._names, self._order)):
            return await self._entries(shown)

    async def _entries(self, shown: Sequence[Shown]) -> list[bytes]:
        together = any(each.is_together for each in shown)
        kept = {each: self._kept(each.span, (each.begin, each.keys, together)) for each in shown}
        changed = [each for each, raw in kept.items() if raw is None]
        if changed:
            merged = await self._merged([(each.span.starts, each.keys) for each in changed], together)
            for each, entries in zip(changed, merged, strict=True):
                raw = kept[each] = msgspec.json.encode(self._in_order(entries))
                self._keep(each.span, (each.begin, each.keys, together), raw, KEY_BYTES + len(raw))
        return list(kept.values())

    def _ranked(self, slot: int, states: Iterator[Sequence[States]]) -> Steps[list[Ranking]]:
        rankings = []
        for of_window in states:
            rankings.append(ranked(added_up(self._format, slot, of_window), self._order))
            yield
        return rankings

    async def _ranked_by_large(
        self, spans: Sequence[WindowSpan], by_count: Sequence[Ranking]
    ) -> list[Ranking]:
        """Return the keys with most rows in the order of their large states, then the others."""
        entries = await self._merged(
            [(span.starts, of.keys[:MOST_ENTRIES]) for span, of in zip(spans, by_count, strict=True)]
        )
        rankings = []
        for of_window, others in zip(entries, by_count, strict=True):
            first = ranked({entry[KEY]: entry[self._order] for entry in of_window}, self._order)
            rankings.append(Ranking([*first.keys, *others.keys[MOST_ENTRIES:]], others.has_other))
        return rankings

    async def _merged(
        self, keys: Sequence[tuple[StartRange, Sequence[str]]], together: bool = False
    ) -> list[list[Json]]:
        found = list((await self._ask(ReadEntries(*self._names, keys))).values())
        return await self._queries.in_turn(
            self._all_added_up(found, len(keys)) if together else self._added_up(keys, found)
        )

    def _all_added_up(
        self, found: Sequence[Sequence[Sequence[Sequence[Packed]]]], windows: int
    ) -> Steps[list[list[Json]]]:
        """Return one entry of each window, for all keys."""
        merged = []
        for number in range(windows):
            parts = [packed for each in found for of_key in each[number] for packed in of_key]
            merged.append([entry_of(self._format, ALL_KEYS, parts)] if parts else [])
            yield
        return merged

    def _added_up(
        self,
        keys: Sequence[tuple[StartRange, Sequence[str]]],
        found: Sequence[Sequence[Sequence[Sequence[Packed]]]],
    ) -> Steps[list[list[Json]]]:
        merged = []
        for number, (_, of_window) in enumerate(keys):
            entries = []
            for place, key in enumerate(of_window):
                parts = [packed for each in found for packed in each[number][place]]
                if parts:
                    entries.append(entry_of(self._format, key, parts))
                    yield
            merged.append(entries)
        return merged

    def _in_order(self, entries: list[Json]) -> list[Json]:
        """Return entries in order, of which some may have grown since it was decided."""
        order = self._order
        if order != KEY:
            entries.sort(key=lambda e: (e[KEY] != OTHER, e[order] is not None, e[order]), reverse=True)
        return entries

    # -- owners, and what they have answered before

    @property
    def suspended(self) -> dict[str, str]:
        """Why partitions count nothing for now."""
        results = zip(cycle(self.topics), self.results, strict=False)
        return {f"{topic}/{number}": why for topic, of in results for number, why in of.faults.items()}

    async def _ask(self, query: Query[A]) -> dict[TopicPartition, A]:
        results = await self._queries.query(self.topics, query, self._silent)
        owners = {owner for result in results.values() for owner in result.owners}
        self._is_whole &= not self.results or owners == self._owners
        self._owners = owners
        self.results += results.values()
        return {
            (topic, number): content
            for topic, result in results.items()
            for number, content in result.by_partition.items()
        }

    def _kept(self, span: WindowSpan, what: object) -> Any:  # noqa: ANN401 - whatever was kept
        kept = self._queries.answers.get(self._place(span, what))
        return kept[1] if kept is not None and kept[0] == span.versions else None

    def _keep(self, span: WindowSpan, what: object, result: object, weight: int) -> None:
        if self._is_whole:
            self._queries.answers.put(self._place(span, what), (span.versions, result), weight)

    def _place(self, span: WindowSpan, what: object) -> tuple[object, ...]:
        return (*self.topics, *self._names, span.starts, self._order, what)
