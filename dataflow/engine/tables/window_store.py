"""Window store: the windows of one size of a table in one partition."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from math import inf
from typing import Any, Final, TypeAlias

from dataflow.engine.tables.changelog import ChangelogRecord, entry_key, prefix_of, sealed_prefix
from dataflow.engine.tables.chunks import Chunks
from dataflow.engine.tables.grouping import EntryId, Groups
from dataflow.engine.tables.key_limit import KeyLimit, WindowsNow
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.sealed_chunk import chunks_of
from dataflow.engine.tables.sealed_window import SealedWindow
from dataflow.engine.tables.sealing import FEWEST_KEPT, INDEX_BYTES, MANY_OPEN, quiet_windows, windows_to_seal
from dataflow.engine.tables.spilled_states import SpilledStates
from dataflow.engine.tables.steps import Steps, with_breaks
from dataflow.engine.tables.stored_window import StoredWindow
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_entry import EntryFormat, Packed, WindowEntry, encode
from dataflow.engine.tables.windows import Window

Loader: TypeAlias = Callable[[int, str, bytes | None], None]
"""Restores a record, given the start of its window, the last part of its key and its value."""

LARGE_WINDOW: Final = 10_000
"""From so many entries on, only those that are written to are unpacked: many keys come once."""


class WindowStore:
    """What one partition keeps for one window size, and what of it has changed."""

    def __init__(self, table: WindowedTable, window: Window, chunks: Chunks) -> None:
        self.window = window
        self.format = EntryFormat(table, window)
        self.limit = KeyLimit(self, table.max_keys, self.format)
        self._chunks = chunks
        self._prefix = prefix_of(table.name, window.name)
        self._sealed_prefix = sealed_prefix(self._prefix)
        self._spilled = SpilledStates(self._prefix, self.format)
        self._windows: dict[int, StoredWindow] = {}
        self._oldest = inf
        self._changed: set[EntryId] = set()
        self._records: list[ChangelogRecord] = []  # for the next snapshot, before those of entries
        self._due: set[int] = set()  # starts of the windows that the next snapshot seals
        self._unsealed: set[int] = set()  # starts of the windows with entries that are not sealed
        self._unpacked: set[int] = set()  # starts of the windows with entries that are not even bytes
        self._touched: set[int] = set()  # starts of the windows that have changed since the last snapshot
        self._written_before: set[EntryId] = set()  # by the last snapshot
        self._is_relieving = False  # the next snapshot packs whatever it can
        self._fullest: int | None = 0  # None: some were restored, and nobody has looked yet

    @property
    def fullest(self) -> int:
        """At least as many entries as any window has."""
        if self._fullest is None:
            self._fullest = max(map(len, self._windows.values()), default=0)
        return self._fullest

    # -- windows

    def get(self, start: int) -> StoredWindow:
        """Return a window; a new one, without entries, if there is none."""
        window = self._windows.get(start)
        if window is None:
            sealed = SealedWindow(self._sealed_prefix, start, self.format, self._chunks)
            window = StoredWindow(self._prefix, start, self.format, self._spilled, sealed)
            self._windows[start] = window
            self._oldest = min(self._oldest, start)
        return window

    def between(self, first: int, end: float) -> list[StoredWindow]:
        """Return the windows that start from the first instant on up to the other, in order."""
        windows, size = self._windows, self.window.size_ms
        if size and (end - first) // size < len(windows):
            begin = -(-first // size) * size
            return [windows[start] for start in range(begin, int(end), size) if start in windows]
        return [windows[start] for start in sorted(s for s in windows if first <= s < end)]

    def is_packed(self, start: int) -> bool:
        """Tell whether nothing of a window is unpacked, as no row has come for it of late."""
        return start not in self._unpacked

    def rewrite(
        self, start: int, items: Iterable[tuple[str, Packed] | None], sources: WindowsNow
    ) -> Steps[bool]:
        """Seal entries, in the order of their keys, in place of all of a window; False if sources change."""
        editions = [source.edition for source in sources()]
        chunks = []
        for chunk in chunks_of(items, self.format):
            if chunk is not None:
                chunks.append(chunk)
            yield
            if [source.edition for source in sources()] != editions:
                return False
        self._replace(self.get(start), chunks)
        return True

    def _replace(self, window: StoredWindow, chunks: Iterable[bytes]) -> None:
        self._records += window.replace(chunks)
        self._due.discard(window.start)
        self._unsealed.discard(window.start)
        self._unpacked.discard(window.start)
        self._fullest = max(self.fullest, len(window))

    def drop_before(self, start: int) -> None:
        """Delete the windows that start before this instant."""
        if start <= self._oldest:
            return
        for old in [old for old in self._windows if old < start]:
            self._replace(self._windows.pop(old), ())
        self._oldest = min(self._windows, default=inf)
        self._fullest = None

    # -- entries

    def add(self, groups: Groups) -> None:
        """Add rows to their entries."""
        self.format.fold(self._states(groups), groups)
        self._changed.update(groups.entry_ids)

    def _states(self, groups: Groups) -> list[list[Any]]:
        states, windows, window, touch = [], self._windows, None, self._touched.add
        for start, key in groups.entry_ids:
            if window is None or start != window.start:  # mostly many of one window
                window = windows.get(start)
                if window is None:
                    window = self.get(start)
                window.touch()
                touch(start)
            entry = window.entries.get(key)
            states.append((entry if type(entry) is WindowEntry else self._open(window, key)).states)
        return states

    def _open(self, window: StoredWindow, key: str) -> WindowEntry:
        entry = window.open(key)
        self._unpacked.add(window.start)
        if self._fullest is not None:
            self._fullest = max(self._fullest, len(window))
        return entry

    def unseal(self, start: int) -> StoredWindow:
        """Return a window of which nothing is sealed; if something was, the next snapshot seals it again."""
        window = self.get(start)
        window.touch()
        if window.sealed.count:
            self._due.add(start)
            self._records += window.unseal()
        self._unsealed.add(start)
        self._unpacked.add(start)
        self._fullest = None  # whoever asked may add keys
        return window

    def move_into_other(self, start: int, keys: Collection[str]) -> None:
        """Delete the entries of keys that `(other)` has been given."""
        window = self.get(start)
        window.touch()
        self._records += window.remove(keys)
        self._changed.add((start, OTHER))
        self._touched.add(start)
        self._fullest = None

    # -- memory

    @property
    def index_size(self) -> int:
        """About how many bytes of memory it takes to know of all windows."""
        return INDEX_BYTES * len(self._windows)

    def sizes(self) -> dict[int, int]:
        """Return by start about how many bytes of memory the entries of windows take; no sealed ones."""
        return {start: self._windows[start].size() for start in self._unsealed}

    def relieve(self) -> None:
        """Have the next snapshot pack all entries, and seal whatever got no rows since the last one."""
        self._is_relieving = True
        self._due |= {start for start in self._unsealed if self._windows[start].sealed.count}

    def thin_out(self, start: int) -> int:
        """Move the rarer half of the keys of a window into `(other)`; return how many: none if it has few."""
        window = self._windows[start]
        kept = len(window.entries) // 2
        return 0 if start in self._due or kept < FEWEST_KEPT else self.limit.evict(start, kept)

    # -- the changelog

    def upkeep(self, newest: int, watermark: int) -> Steps[None]:
        """Seal and pack, in steps, windows that no row has come for of late."""
        if watermark < 0 and len(self._windows) > MANY_OPEN:
            return
        unsealed = [self._windows[start] for start in sorted(self._unsealed - self._touched)]
        quiet = quiet_windows(unsealed, newest)
        for window in list(windows_to_seal(quiet, self.window.size_ms, watermark)):
            if self._is_untouched(window):
                yield from self.rewrite(window.start, with_breaks(window.items(), 100), [window].copy)
        for window in quiet:
            yield from self._pack(window)

    def _pack(self, window: StoredWindow) -> Steps[None]:
        keys = iter(list(window.entries))
        while self._is_untouched(window):
            some = list(islice(keys, 100))
            if not some:
                self._unpacked.discard(window.start)
                return
            window.pack(some)
            yield

    def _is_untouched(self, window: StoredWindow) -> bool:
        """Tell whether a window is there, with nothing in it that the changelog has not been given."""
        return self._windows.get(window.start) is window and window.start not in self._touched

    def snapshot(self, newest: int) -> list[ChangelogRecord]:
        """Return the records of what has changed since the last snapshot."""
        written = self._changed
        touched, self._touched = self._touched & self._windows.keys(), set()
        for start in touched:
            self._windows[start].touched_at = newest
        self._unsealed |= touched
        unsealed = [self._windows[start] for start in sorted(self._unsealed)] if self._is_relieving else []
        due = [self._windows[start] for start in sorted(self._due)]
        if self._is_relieving:
            rest = [window for window in unsealed if window.start not in self._due | touched]
            due += windows_to_seal(rest, 0, newest)
        self._due = set()
        for window in due:
            self._records += window.seal()
            self._unsealed.discard(window.start)
            self._unpacked.discard(window.start)
        records, self._records = self._records, []
        records += self._changed_entries()
        if self._is_relieving:
            for window in unsealed:
                window.pack()
            self._unpacked.clear()
        self._pack_cold(written)
        self._is_relieving = False
        return records

    def _pack_cold(self, written: set[EntryId]) -> None:
        """Of large windows, pack the entries that the last snapshot has written, and this one has not."""
        if self.fullest >= LARGE_WINDOW:
            for start, key in self._written_before - written:
                if start in self._windows and len(self._windows[start].entries) >= LARGE_WINDOW:
                    self._windows[start].pack([key])
            self._written_before = written

    def _changed_entries(self) -> Iterator[ChangelogRecord]:
        prefix, pack, spilled, windows = self._prefix, self.format.pack, self._spilled, self._windows
        concern = spilled.concern if spilled.slots else None
        for entry_id in self._changed:
            start, key = entry_id
            entry = windows[start].entries.get(key) if start in windows else None
            if type(entry) is WindowEntry:  # else sealed, deleted, or gone with its window
                packed = pack(entry)
                entry.is_written = True
                if concern and concern(entry_id, packed):
                    yield from spilled.spill(entry_id, packed)
                yield entry_key(prefix, start, key), encode(packed)
        self._changed = set()

    def _load(self, start: int, key: str, value: bytes | None) -> None:
        """Restore the record of an entry; the last one of a key counts."""
        window = self._windows.get(start)
        if window is None:
            window = self.get(start)
        self._fullest, entries = None, window.entries
        if value is not None:
            self.format.check(value)
            if not entries:
                self._unsealed.add(start)
            entries[key] = value
        else:
            entries.pop(key, None)
            self._forget_if_empty(window)

    def _load_chunk(self, start: int, number: str, value: bytes | None) -> None:
        """Restore the record of a chunk of a sealed window."""
        window = self.get(start)
        self._fullest = None
        window.sealed.load(int(number), value)
        self._forget_if_empty(window)

    def loaders(self) -> dict[str, Loader]:
        """Return what restores records, by the second part of their keys."""
        name = self.window.name
        spilled = {f"{name}/{a}": partial(self._spilled.load, at) for a, at in self._spilled.slots.items()}
        return {name: self._load, f"{name}:sealed": self._load_chunk, **spilled}

    def _forget_if_empty(self, window: StoredWindow) -> None:
        if not len(window):
            del self._windows[window.start]
            self._unsealed.discard(window.start)
