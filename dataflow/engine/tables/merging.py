"""Merging: what the partitions have of a window, as one, in order, as JSON can carry it."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from dataflow.engine.tables.answer import States
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.table import KEY, MAX_PER_KEY, WindowedTable
from dataflow.engine.tables.window_entry import EntryFormat, Packed

Json: TypeAlias = dict[str, Any]  # what orjson writes


class Ranking(NamedTuple):
    """The keys of a window in order, but for `(other)`, which is always last."""

    keys: Sequence[str]
    has_other: bool
    members: Mapping[str, Sequence[str]] = MappingProxyType({})
    """The keys that an entry puts together, where it is not one key alone."""

    def members_of(self, keys: Iterable[str]) -> tuple[Sequence[str], ...]:
        """Return the keys that each of these entries has."""
        return tuple(self.members.get(key) or (key,) for key in keys)


def orders(table: WindowedTable) -> tuple[str, ...]:
    """Return what the entries of a table can be ordered by: aggregations that are numbers, and key."""
    numbers = (name for name, s in table.aggregations.items() if isinstance(s.result(s.new()), int | None))
    return (*numbers, KEY)


def added_up(entry_format: EntryFormat, slot: int, parts: Iterable[States]) -> Mapping[str, Any]:
    """Return by key the result at this place, which is small, of states that add up."""
    aggregation, states = entry_format.aggregations[slot - 1], dict[str, Any]()
    for part in parts:
        aggregation.add_encoded(states, part.items())
    return {key: aggregation.result(aggregation.decode(state)) for key, state in states.items()}


def ranked(results: Mapping[str, Any], order: str) -> Ranking:
    """Return the keys, those of the greatest results first; of equal rank, or with order `key`, by key."""
    keys = sorted(results.keys() - {OTHER})
    if order != KEY:
        keys.sort(key=lambda key: (results[key] is not None, results[key]), reverse=True)
    return Ranking(keys, OTHER in results)


def entry_of(entry_format: EntryFormat, key: str, parts: Sequence[Packed]) -> Json:
    """Return the entry of a key; `(other)` tells how many rows any one key may have in it."""
    results = {name: entry_format.result(slot, parts) for slot, name in enumerate(entry_format.names, 1)}
    bound = {MAX_PER_KEY: sum(packed[0] for packed in parts)} if key == OTHER else {}
    return {KEY: key} | results | bound
