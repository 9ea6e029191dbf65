"""Cells of one window size in one partition: groups of rows in, changelog entries out."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dataflow.engine.tables.entry import EntryFormat, WindowEntry, decode, encode
from dataflow.engine.tables.grouping import Batch, EntryId, Groups, groups_of
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.large import Entry, LargeStates, entry_key
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.windows import Window


class WindowStore:
    """What one partition keeps for one window size.

    A cell that nobody has touched since it was restored, or whose window is closed, stays packed.
    """

    def __init__(self, table: WindowedTable, window: Window, cells: EntryFormat) -> None:
        self.window = window
        self._keep = table.max_keys
        self._format = cells
        self._prefix = f"{table.name}|{window.name}"
        self._windows: defaultdict[int, dict[str, WindowEntry | bytes]] = defaultdict(dict)
        self._large = LargeStates(self._prefix, cells)
        self._may_grow = any(aggregation.grows for aggregation in cells.aggregations)
        self._changed: set[EntryId] = set()
        self._unpacked: set[int] = set()  # starts of the windows with cells that are not packed
        self._fullest = 0  # keys of the window that had most

    def fold(self, groups: Groups, batch: Batch) -> None:
        """Add a batch, given both by cell and in log order.

        The outcome does not depend on where one batch ends and the next begins.
        """
        if self._fullest + len(groups.cells) <= 2 * self._keep:
            self._add(groups)
        else:
            self._fold_in_order(batch)

    def drop_before(self, start: int) -> None:
        """Delete the windows that start before this instant."""
        dropped = [old for old in self._windows if old < start]
        for old in dropped:
            self._changed.update((old, key) for key in self._windows.pop(old))
            self._unpacked.discard(old)
        if dropped:
            self._measure()

    def cut(self, open_from: int) -> list[Entry]:
        """Return the entries changed since the last cut; pack windows that start before `open_from`."""
        entries: list[Entry] = []
        windows, prefix, pack = self._windows, self._prefix, self._format.pack
        for cell in self._changed:
            start, key = cell
            found = windows[start].get(key) if start in windows else None
            if type(found) is WindowEntry:  # inline: scattered events change a cell each
                packed = pack(found)
                if self._may_grow and self._large.concern(cell, packed):
                    entries.extend(self._large.take_out(cell, packed))
                entries.append((f"{prefix}|{start}|{key}".encode(), encode(packed)))
            elif found is None:
                entries.extend(self._large.forget(cell))
                entries.append((entry_key(prefix, cell), None))
        self._changed = set()
        for start in [s for s in self._unpacked if s < open_from]:
            self._pack(start)
        return entries

    def load(self, start: int, key: str, value: bytes | None) -> None:
        """Restore the entry of a cell; the last one of a cell counts."""
        window = self._windows[start]
        if value is not None:
            window[key] = value
            self._fullest = max(self._fullest, len(window))
            return
        window.pop(key, None)
        if not window:
            del self._windows[start]

    def load_large(self, aggregation: str, cell: EntryId, value: bytes | None) -> None:
        """Restore the entry of a large state; raise KeyError where the table has no such summary."""
        self._large.load(aggregation, cell, value)

    def between(self, first: int, last: int, key: str | None) -> Iterator[tuple[int, str, bytes]]:
        """Yield the packed cells, of one key or all, of windows that start in this closed range."""
        for start in sorted(s for s in self._windows if first <= s <= last):
            window = self._windows[start]
            for label in window if key is None else window.keys() & {key}:
                yield start, label, self._whole((start, label), window[label])

    def totals(self, first: int, last: int, slots: Sequence[int]) -> dict[str, list[int]]:
        """Return by key the sums of totals at these places, over windows that start in this closed range."""
        sums: dict[str, list[int]] = {}
        for start in [s for s in self._windows if first <= s <= last]:
            for key, cell in self._windows[start].items():
                # Large states, which are packed apart, are not wanted here.
                states = cell.states if type(cell) is WindowEntry else decode(cell)[1:]
                known = sums.setdefault(key, [0] * len(slots))
                for place, slot in enumerate(slots):
                    known[place] += int(states[slot])
        return sums

    def _add(self, groups: Groups) -> None:
        cells, window, window_start = [], dict[str, WindowEntry | bytes](), -1
        for start, key in groups.cells:
            if start != window_start:  # mostly many of one window
                window, window_start = self._windows[start], start
            cell = window.get(key)
            if type(cell) is not WindowEntry:
                cell = self._open((start, key), cell)
            cells.append(cell.states)
        self._format.fold(cells, groups)
        self._changed.update(groups.cells)

    def _open(self, cell: EntryId, packed: bytes | None) -> WindowEntry:
        """Return a new cell, or one that was packed, ready to be folded into."""
        start, key = cell
        window = self._windows[start]
        if packed is None:
            other = self._get(start, OTHER) if OTHER in window else None
            opened = self._format.new(other.hidden if other and key != OTHER else 0)
        else:
            opened = self._unpack(cell, packed)
        window[key] = opened
        self._unpacked.add(start)
        self._fullest = max(self._fullest, len(window))
        return opened

    def _get(self, start: int, key: str) -> WindowEntry:
        cell = self._windows[start].get(key)
        return cell if type(cell) is WindowEntry else self._open((start, key), cell)

    def _fold_in_order(self, batch: Batch) -> None:
        """Add a batch that may overfill a window: row by row, as far as new keys go."""
        rows: defaultdict[int, list[tuple[str, object]]] = defaultdict(list)
        for time, key, value in zip(batch.times, batch.keys, batch.rows, strict=True):
            rows[self.window.start_of(time)].append((key, value))
        for start, keyed in rows.items():
            self._fold_window(start, keyed, batch)

    def _fold_window(self, start: int, rows: list[tuple[str, object]], batch: Batch) -> None:
        window = self._windows[start]
        groups: defaultdict[EntryId, list[object]] = defaultdict(list)
        room = 2 * self._keep - len(window.keys() - {OTHER})
        for key, value in rows:
            if (start, key) not in groups and key not in window and key != OTHER:
                if room <= 0:  # less than none after a restart with a smaller max_keys
                    self._add(groups_of(batch, groups))
                    groups.clear()
                    self._evict(start)
                    room = self._keep
                room -= 1
            groups[start, key].append(value)
        self._add(groups_of(batch, groups))

    def _evict(self, start: int) -> None:
        """Keep the keys with most rows; move the others into `(other)`.

        A new key is then taken to have had as many rows before as the largest that was moved.
        With n rows in the window no key hides more than n / (max_keys + 1) of them, and a key
        with more is never missing: the bound of Misra and Gries.
        """
        window = self._windows[start]
        named = [(key, self._get(start, key)) for key in window.keys() - {OTHER}]
        named.sort(key=lambda pair: (-pair[1].most, pair[0]))
        other = self._get(start, OTHER)
        other.hidden = named[self._keep][1].most
        self._changed.add((start, OTHER))
        for key, cell in named[self._keep :]:
            self._format.merge(other, cell)
            del window[key]
            self._changed.add((start, key))
        self._measure()

    def _measure(self) -> None:
        self._fullest = max(map(len, self._windows.values()), default=0)

    def _pack(self, start: int) -> None:
        """Keep the cells of a window as they have just been written: half the memory, a tenth for sets."""
        for key, cell in self._windows[start].items():
            if type(cell) is WindowEntry:
                packed = self._format.pack(cell)
                list(self._large.take_out((start, key), packed))  # nothing new: it was just cut
                self._windows[start][key] = encode(packed)
        self._unpacked.discard(start)

    def _unpack(self, cell: EntryId, raw: bytes) -> WindowEntry:
        packed = decode(raw)
        self._large.put_back(cell, packed)
        return self._format.unpack(packed)

    def _whole(self, cell: EntryId, found: WindowEntry | bytes) -> bytes:
        """Return the packed cell with its large states in place."""
        if type(found) is WindowEntry:
            return encode(self._format.pack(found))
        if cell not in self._large:
            return found
        packed = decode(found)
        self._large.put_back(cell, packed)
        return encode(packed)
