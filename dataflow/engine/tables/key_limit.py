"""Key limit: which keys a full window keeps, and how wrong their counts may then be."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeAlias

from dataflow.engine.tables.grouping import EntryId, Groups, PreparedRows, groups_of
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.steps import Steps
from dataflow.engine.tables.stored_window import StoredWindow
from dataflow.engine.tables.window_entry import EntryFormat, Packed
from dataflow.engine.tables.window_merge import WindowMerge
from dataflow.engine.tables.windows import Window

WindowsNow: TypeAlias = Callable[[], Sequence[StoredWindow]]
"""Returns windows as they are now."""


class KeyedWindows(Protocol):
    """The windows of one size, as far as a limit of their keys needs them."""

    window: Window

    @property
    def fullest(self) -> int:
        """At least as many entries as any window has."""

    def get(self, start: int) -> StoredWindow:
        """Return a window, which may be empty."""

    def add(self, groups: Groups) -> None:
        """Add rows to their entries."""

    def rewrite(
        self, start: int, items: Iterable[tuple[str, Packed] | None], sources: WindowsNow
    ) -> Steps[bool]:
        """Seal entries, in the order of their keys, in place of all of a window; False if sources change."""

    def unseal(self, start: int) -> StoredWindow:
        """Return a window of which nothing is sealed."""

    def move_into_other(self, start: int, keys: Collection[str]) -> None:
        """Delete the entries of keys that `(other)` has been given."""


class KeyLimit:
    """Keeps of each window the keys with most rows, at most twice `max_keys`; the rest is `(other)`.

    With n rows in a window no key hides more than n / (max_keys + 1) of them, and a key
    with more is never missing: the bound of Misra and Gries, which holds for merged windows, too.
    """

    def __init__(self, windows: KeyedWindows, max_keys: int, entry_format: EntryFormat) -> None:
        self.max_keys = max_keys
        self._windows = windows
        self._format = entry_format

    def fold(self, groups: Groups, rows: PreparedRows) -> None:
        """Add rows, given both by entry and in log order.

        The outcome does not depend on where one batch ends and the next begins.
        """
        if self._windows.fullest + len(groups.entry_ids) <= 2 * self.max_keys or self._has_room(groups):
            self._windows.add(groups)
            return
        keyed: defaultdict[int, list[tuple[str, object]]] = defaultdict(list)
        for time, key, row in zip(rows.times, rows.keys, rows.rows, strict=True):
            keyed[self._windows.window.start_of(time)].append((key, row))
        for start, of_window in keyed.items():
            self._fold_window(start, of_window, rows)

    def _has_room(self, groups: Groups) -> bool:
        """Tell whether the windows of these rows, which may not be the fullest, take all their keys."""
        new: defaultdict[int, set[str]] = defaultdict(set)
        for start, key in groups.entry_ids:
            if key not in self._windows.get(start).entries:
                new[start].add(key)
        return all(
            len(self._windows.get(start)) + len(keys) <= 2 * self.max_keys for start, keys in new.items()
        )

    def absorb(self, start: int, windows: WindowsNow) -> Steps[bool]:
        """Add smaller windows, in order of time, to the window that starts here.

        Return False, and do nothing, if any of them changes meanwhile.
        """

        def sources() -> Sequence[StoredWindow]:
            return [self._windows.get(start), *windows()]

        merge = WindowMerge(sources(), self.max_keys, self._format)
        is_done = yield from self._windows.rewrite(start, merge.items(), sources)
        if is_done:
            self._windows.get(start).touch()
        return is_done

    def _fold_window(self, start: int, keyed: Iterable[tuple[str, object]], rows: PreparedRows) -> None:
        """Add rows of one window, row by row as far as new keys go."""
        window = self._windows.get(start)
        groups: defaultdict[EntryId, list[object]] = defaultdict(list)
        room = 2 * self.max_keys - window.named_count
        for key, row in keyed:
            if (start, key) not in groups and key != OTHER and not window.has(key):
                if room <= 0:  # less than none after a restart with a smaller max_keys
                    self._windows.add(groups_of(rows, groups))
                    groups.clear()
                    self.evict(start, self.max_keys)
                    room = self.max_keys
                room -= 1
            groups[start, key].append(row)
        self._windows.add(groups_of(rows, groups))

    def evict(self, start: int, kept: int) -> int:
        """Move all keys of a window but those with most rows into `(other)`; return how many.

        A new key is then taken to have had as many rows before as the largest that was moved.
        """
        window = self._windows.unseal(start)
        upper = {key: bound + count for key, (bound, count) in window.counts().items() if key != OTHER}
        moved = sorted(upper, key=lambda key: (-upper[key], key))[kept:]
        if moved:
            other = window.open(OTHER)
            self._format.merge_all(other, map(window.packed, moved))
            other.error_bound = upper[moved[0]]
            self._windows.move_into_other(start, moved)
        return len(moved)
