"""Cluster table: what the owners of all partitions have of a table, merged; kept until it changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, TypeAlias, TypeVar

import msgspec

from dataflow.engine.query import Queries, Query, ReadEntries, ReadMarks, ReadStates
from dataflow.engine.query_result import Owner, QueryResult
from dataflow.engine.tables import OTHER, WindowedTable
from dataflow.engine.tables.answer import StartRange, States, WindowMarks
from dataflow.engine.tables.merging import Json, Ranking, added_up, entry_of, ranked
from dataflow.engine.tables.steps import Steps
from dataflow.engine.tables.table import KEY
from dataflow.engine.tables.window_entry import EntryFormat, Packed
from dataflow.engine.tables.window_reader import KEY_BYTES
from dataflow.http_error import unavailable
from dataflow.web.table_page import TopicPartition, WindowSpan
from dataflow.web.table_request import MOST_ENTRIES, Selection

A = TypeVar("A")

Wanted: TypeAlias = tuple[StartRange, Sequence[str], Sequence[Sequence[str]]]
"""The entries of a window, and the keys that each of them puts together."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer has of a window: the entries of these keys, which come after so many others."""

    span: WindowSpan
    begin: int
    keys: tuple[str, ...]
    total: int
    members: tuple[Sequence[str], ...] = field(compare=False)
    """The keys that each entry puts together."""


class ClusterTable:
    """Asks about windows of one size; partitions whose owners do not answer are missing in `results`."""

    def __init__(
        self, queries: Queries, topics: Sequence[str], table: WindowedTable, selection: Selection
    ) -> None:
        self.table = table
        self.topics = topics
        self._queries = queries
        self._names = table.name, selection.window.name
        self._choice = selection.choice
        self._order = order = selection.order
        self._format = EntryFormat(table, selection.window)
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
        kept = {span: self._kept(span, self._choice) for span in spans}
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
                self._keep(span, self._choice, ranking, KEY_BYTES * len(ranking.keys))
        return list(kept.values())

    async def entries(self, shown: Sequence[Shown]) -> list[bytes]:
        """Return the entries of each window as JSON."""
        async with self._queries.place((*self._names, self._order)):
            return await self._entries(shown)

    async def _entries(self, shown: Sequence[Shown]) -> list[bytes]:
        kept = {each: self._kept(each.span, (each.begin, each.keys, self._choice)) for each in shown}
        changed = [each for each, raw in kept.items() if raw is None]
        if changed:
            merged = await self._merged([(each.span.starts, each.keys, each.members) for each in changed])
            for each, entries in zip(changed, merged, strict=True):
                raw = kept[each] = msgspec.json.encode(self._in_order(entries))
                self._keep(each.span, (each.begin, each.keys, self._choice), raw, KEY_BYTES + len(raw))
        return list(kept.values())

    def _ranked(self, slot: int, states: Iterator[Sequence[States]]) -> Steps[list[Ranking]]:
        rankings = []
        for of_window in states:
            rankings.append(self._choice.ranked(added_up(self._format, slot, of_window), self._order))
            yield
        return rankings

    async def _ranked_by_large(
        self, spans: Sequence[WindowSpan], by_count: Sequence[Ranking]
    ) -> list[Ranking]:
        """Return the keys with most rows in the order of their large states, then the others."""
        first_keys = [of.keys[:MOST_ENTRIES] for of in by_count]
        entries = await self._merged(
            [
                (span.starts, keys, of.members_of(keys))
                for span, keys, of in zip(spans, first_keys, by_count, strict=True)
            ]
        )
        rankings = []
        for of_window, others in zip(entries, by_count, strict=True):
            first = ranked({entry[KEY]: entry[self._order] for entry in of_window}, self._order)
            rankings.append(Ranking([*first.keys, *others.keys[MOST_ENTRIES:]], others.has_other))
        return rankings

    async def _merged(self, wanted: Sequence[Wanted]) -> list[list[Json]]:
        keys = [(starts, [key for of_entry in members for key in of_entry]) for starts, _, members in wanted]
        found = list((await self._ask(ReadEntries(*self._names, keys))).values())
        return await self._queries.in_turn(self._added_up(wanted, found))

    def _added_up(
        self, wanted: Sequence[Wanted], found: Sequence[Sequence[Sequence[Sequence[Packed]]]]
    ) -> Steps[list[list[Json]]]:
        merged = []
        for number, (_, names, members) in enumerate(wanted):
            entries, place = [], 0
            for name, of_entry in zip(names, members, strict=True):
                places = range(place, place := place + len(of_entry))
                parts = [packed for each in found for at in places for packed in each[number][at]]
                if parts:
                    entries.append(entry_of(self._format, name, parts))
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
