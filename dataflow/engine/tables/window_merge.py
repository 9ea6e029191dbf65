"""Window merge: windows become one; which keys it keeps is decided before their entries are read."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Final

from dataflow.engine.tables.labels import OTHER, item_rank
from dataflow.engine.tables.stored_window import StoredWindow
from dataflow.engine.tables.window_entry import EntryFormat, Packed

CROWDED: Final = 4
"""Times `max_keys` that may be compared at once; more are cut down between two windows."""

BREAK_PARTS: Final = 100
"""Entries that are merged before other work may come in between."""

HELD_PARTS: Final = 256
"""Entries of keys that are not kept, before they are added to `(other)`."""


class WindowMerge:
    """Merges windows in order of time into one with at most twice `max_keys` keys.

    The error bounds of a window with `(other)` hold for each key, also for one that it does not
    name: these of several windows add up, and so does the bound of Misra and Gries.
    """

    def __init__(self, windows: Sequence[StoredWindow], max_keys: int, entry_format: EntryFormat) -> None:
        self._windows = windows
        self._max_keys = max_keys
        self._format = entry_format
        self._counts: dict[str, int] = {}  # of the keys that are kept so far
        self._excess: dict[str, int] = {}  # by how much their error bound is over that of `(other)`
        self._kept_from: dict[str, int] = {}  # number of the window from which on, if not the first
        self._error_bound = 0  # of `(other)`

    def items(self) -> Iterator[tuple[str, Packed] | None]:
        """Yield the keys and packed entries in order, and None where other work may come in between."""
        for number in range(len(self._windows)):
            self._count(number)
            yield None
        others: list[Packed] = []
        sources = [self._kept(number, others) for number in range(len(self._windows))]
        begun = []
        for source in sources:  # each unpacks a chunk
            begun.append(chain(list(islice(source, 1)), source))
            yield None
        read = 0
        for key, of_key in groupby(merge(*begun, key=item_rank), key=itemgetter(0)):
            parts = [packed for _, packed in of_key]
            yield key, [self._error_bound + self._excess[key], *self._format.merge_packed(parts)[1:]]
            read += len(parts)
            if read >= BREAK_PARTS:
                read = 0
                yield None
        if others:
            other = self._format.merge_packed(others)
            yield OTHER, [self._error_bound, *other[1:]]

    def _count(self, number: int) -> None:
        """Find out which keys are kept: with the numbers alone, large states are not read."""
        of_window = self._windows[number].counts()
        bound = of_window.pop(OTHER, (0, 0))[0]
        self._error_bound += bound
        for key, (error_bound, count) in of_window.items():
            if key in self._counts:
                self._counts[key] += count
                self._excess[key] += error_bound - bound
            else:
                self._counts[key] = count
                self._excess[key] = error_bound - bound
                self._kept_from[key] = number
        is_last = number == len(self._windows) - 1
        if len(self._counts) > (2 if is_last else CROWDED) * self._max_keys:
            self._evict()

    def _evict(self) -> None:
        """Forget the keys but those with most rows."""
        upper = {key: count + self._excess[key] for key, count in self._counts.items()}
        ranked = sorted(upper, key=lambda key: (-upper[key], key))
        raised = upper[ranked[self._max_keys]]
        self._error_bound += raised
        for key in ranked[self._max_keys :]:
            del self._counts[key], self._excess[key], self._kept_from[key]
        for key in self._excess:
            self._excess[key] -= raised

    def _kept(self, number: int, others: list[Packed]) -> Iterator[tuple[str, Packed]]:
        for item in self._windows[number].items():
            if self._kept_from.get(item[0], len(self._windows)) <= number:
                yield item
                continue
            others.append(item[1])
            if len(others) >= HELD_PARTS:
                others[:] = [self._format.merge_packed(others)]
