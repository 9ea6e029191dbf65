"""Window reader: what the windows of one table partition hold, read in slices.

Each generator yields where other work may come in between. Every row that was counted before it began is
in what it returns, once; rows that come meanwhile may be.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import inf
from typing import Any, Final, NamedTuple, cast

from dataflow.engine.tables.answer import MOST_READ, StartRange, States, Totals, WindowMark, WindowMarks
from dataflow.engine.tables.steps import Steps, finish
from dataflow.engine.tables.stored_window import StoredWindow
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_entry import Packed
from dataflow.engine.tables.windows import Window

KEY_BYTES: Final = 100
"""About what a key takes in a cache, with a number."""

KEYS_AT_ONCE: Final = 8
ENTRIES_AT_ONCE: Final = 2_000
TRIES: Final = 3


class ReadAhead(NamedTuple):
    """What some parts of a window add up to, and the versions of these parts."""

    versions: frozenset[int]
    content: Any  # states by aggregation, or a packed entry


NOTHING_READ: Final = ReadAhead(frozenset(), ())


class WindowReader:
    """Reads windows, each with the smaller ones that are part of it."""

    def __init__(self, table_partition: TablePartition, cache: WeightedCache[ReadAhead]) -> None:
        self._of = table_partition
        self._levels = table_partition.levels
        self._cache = cache

    def marks(self, window: Window, starts: StartRange, most: int, *, newest: bool) -> WindowMarks:
        """Return which windows there are: of more than so many the first, or the newest ones."""
        parts = defaultdict[int, list[StoredWindow]](list)
        for part, _ in self._parts(window, starts):
            parts[window.start_of(part.start)].append(part)
        ordered = sorted(parts)
        event_time = self._of.event_time
        return WindowMarks(
            [
                WindowMark(
                    start, hash(tuple(part.version for part in of)), sum(map(len, of)), max(map(len, of))
                )
                for start in (ordered[-most:] if newest else ordered[:most])
                for of in (parts[start],)
            ],
            watermark=self._of.watermark,
            newest=event_time.newest,
            late=event_time.late.get(window.name, 0),
            undated=event_time.undated,
            future=event_time.future,
            since_ms=self._of.since_ms,
        )

    def totals(self, window: Window, starts: StartRange, aggregations: Sequence[str]) -> Steps[Totals]:
        """Return the sums of these counts and sums over these windows."""
        slots = tuple(list(self._of.table.aggregations).index(name) + 1 for name in aggregations)
        size = sum(len(part) for part, _ in self._parts(window, starts))
        sums = (yield from self.states(window, starts, slots)) if size <= MOST_READ else ()
        late_until = self._of.event_time.last_late(window)
        return Totals(size, sums, self._levels.kept_from(window), late_until, self._of.since_ms)

    def states(self, window: Window, starts: StartRange, slots: tuple[int, ...]) -> Steps[Sequence[States]]:
        """Return for each of these places the states of all keys; not for large states."""
        for _ in range(TRIES):
            states = yield from self._read_states(window, starts, slots)
            if states is not None:
                return states
        return cast("Sequence[States]", finish(self._read_states(window, starts, slots)))

    def _read_states(
        self, window: Window, starts: StartRange, slots: tuple[int, ...]
    ) -> Steps[Sequence[States] | None]:
        """Return the states; None if windows were rolled up, sealed or dropped meanwhile."""
        place, parts = (id(self._levels), window.name, starts, slots), list(self._parts(window, starts))
        ahead = self._cache.get(place)
        if ahead is None or not ahead.versions <= {part.version for part, _ in parts}:
            ahead = ReadAhead(frozenset(), [{} for _ in slots])
        for is_packed in (True, False):
            unread = [part for part, packed in parts if packed is is_packed]
            versions = ahead.versions | {part.version for part in unread}
            if versions > ahead.versions:
                sums = list(map(dict, ahead.content))
                rest = [part for part in unread if part.version not in ahead.versions]
                if not (yield from self._add(window, starts, sums, rest, slots)):
                    return None
                ahead = ReadAhead(versions, sums)
                if is_packed:
                    self._cache.put(place, ahead, KEY_BYTES * sum(map(len, sums)))
        content: Sequence[States] = ahead.content
        return content

    def entries(
        self, window: Window, starts: StartRange, keys: Sequence[str]
    ) -> Steps[list[Sequence[Packed]]]:
        """Return of each key the packed entries that add up to its own."""
        ahead = yield from self._read_entries_ahead(window, starts, keys)
        entries: list[Sequence[Packed]] = []
        for number, key in enumerate(keys):
            if number % KEYS_AT_ONCE == 0:
                if number:
                    yield
                parts = [part for part, _ in self._parts(window, starts)]
                versions = {part.version for part in parts}
            read, content = ahead[key] if ahead[key].versions <= versions else NOTHING_READ
            rest = (part.parts(key) for part in parts if part.version not in read)
            entries.append([*content, *chain.from_iterable(rest)])
        return entries

    def _read_entries_ahead(
        self, window: Window, starts: StartRange, keys: Sequence[str]
    ) -> Steps[dict[str, ReadAhead]]:
        merge = self._levels.store_of(window).format.merge_packed
        places = {key: (id(self._levels), window.name, starts, key) for key in keys}
        ahead = {key: self._cache.get(place) or NOTHING_READ for key, place in places.items()}
        found: dict[str, list[Packed]] = {key: [*before.content] for key, before in ahead.items()}
        read: set[int] = set()
        for part, is_packed in list(self._parts(window, starts)):
            if is_packed:
                for key, before in ahead.items():
                    if part.version not in before.versions:
                        found[key] += part.parts(key)
                read.add(part.version)
                yield
        unions: dict[frozenset[int], frozenset[int]] = {}
        for key, before in ahead.items():
            if read <= before.versions:
                continue
            versions = unions.setdefault(before.versions, before.versions | read)
            content = [merge(found[key])] if found[key] else []
            ahead[key] = ReadAhead(versions, content)
            size = sum(len(state) for packed in content for state in packed if isinstance(state, bytes))
            self._cache.put(places[key], ahead[key], KEY_BYTES + size)
            yield
        return ahead

    def _add(
        self,
        window: Window,
        starts: StartRange,
        sums: Sequence[dict[str, Any]],
        parts: Sequence[StoredWindow],
        slots: Sequence[int],
    ) -> Steps[bool]:
        """Add states of these parts; return False if windows were rolled up, sealed or dropped meanwhile."""
        aggregations = self._levels.store_of(window).format.aggregations
        rewrites = self._rewrites(window, starts)
        for part in parts:
            for slot, total in zip(slots, sums, strict=True):
                column = part.column(slot)
                while some := list(islice(column, ENTRIES_AT_ONCE)):
                    aggregations[slot - 1].add_encoded(total, some)
                    yield
                    if self._rewrites(window, starts) != rewrites:
                        return False
        return True

    def _rewrites(self, window: Window, starts: StartRange) -> list[tuple[int, int]]:
        return [(id(part), part.rewrites) for part, _ in self._parts(window, starts)]

    def _parts(self, window: Window, starts: StartRange) -> Iterator[tuple[StoredWindow, bool]]:
        """Yield the windows and the smaller ones that are part of them, each with whether it is packed."""
        first, end = starts
        for store, begin in self._levels.parts_of(window):
            for part in store.between(max(first, begin), inf if end is None else end):
                yield part, store.is_packed(part.start)
