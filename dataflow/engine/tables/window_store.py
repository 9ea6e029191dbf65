"""Window store: the entries of one window size of a table in one partition."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dataflow.engine.tables.grouping import EntryId, Groups, PreparedRows, groups_of
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.spilled_states import ChangelogRecord, SpilledStates, entry_key
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_entry import EntryFormat, WindowEntry, decode, encode
from dataflow.engine.tables.windows import Window


class WindowStore:
    """What one partition keeps for one window size.

    An entry that nobody has touched since it was restored, or whose window is closed, stays packed.
    """

    def __init__(self, table: WindowedTable, window: Window, entry_format: EntryFormat) -> None:
        self.window = window
        self._keep = table.max_keys
        self._format = entry_format
        self._prefix = f"{table.name}|{window.name}"
        self._windows: defaultdict[int, dict[str, WindowEntry | bytes]] = defaultdict(dict)
        self._spilled = SpilledStates(self._prefix, entry_format)
        self._may_spill = any(aggregation.spillable for aggregation in entry_format.aggregations)
        self._changed: set[EntryId] = set()
        self._unpacked: set[int] = set()  # starts of the windows with entries that are not packed
        self._fullest = 0  # keys of the window that had most

    def fold(self, groups: Groups, batch: PreparedRows) -> None:
        """Add a batch, given both by entry and in log order.

        The outcome does not depend on where one batch ends and the next begins.
        """
        if self._fullest + len(groups.entry_ids) <= 2 * self._keep:
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

    def snapshot(self, open_from: int) -> list[ChangelogRecord]:
        """Return the records changed since the last snapshot; pack windows that start before `open_from`."""
        records: list[ChangelogRecord] = []
        windows, prefix, pack = self._windows, self._prefix, self._format.pack
        for entry_id in self._changed:
            start, key = entry_id
            entry = windows[start].get(key) if start in windows else None
            if type(entry) is WindowEntry:  # inline: scattered events change an entry each
                packed = pack(entry)
                if self._may_spill and self._spilled.concern(entry_id, packed):
                    records.extend(self._spilled.spill(entry_id, packed))
                records.append((f"{prefix}|{start}|{key}".encode(), encode(packed)))
            elif entry is None:
                records.extend(self._spilled.forget(entry_id))
                records.append((entry_key(prefix, entry_id), None))
        self._changed = set()
        for start in [s for s in self._unpacked if s < open_from]:
            self._pack(start)
        return records

    def load(self, start: int, key: str, value: bytes | None) -> None:
        """Restore an entry; the last value of an entry counts."""
        window = self._windows[start]
        if value is not None:
            window[key] = value
            self._fullest = max(self._fullest, len(window))
            return
        window.pop(key, None)
        if not window:
            del self._windows[start]

    def load_spilled(self, aggregation: str, entry_id: EntryId, value: bytes | None) -> None:
        """Restore the entry of a spilled state; raise KeyError where the table has no such aggregation."""
        self._spilled.load(aggregation, entry_id, value)

    def between(self, first: int, last: int, key: str | None) -> Iterator[tuple[int, str, bytes]]:
        """Yield the packed entries, of one key or all, of windows that start in this closed range."""
        for start in sorted(s for s in self._windows if first <= s <= last):
            window = self._windows[start]
            for label in window if key is None else window.keys() & {key}:
                yield start, label, self._whole((start, label), window[label])

    def totals(self, first: int, last: int, slots: Sequence[int]) -> dict[str, list[int]]:
        """Return by key the sums of totals at these places, over windows that start in this closed range."""
        sums: dict[str, list[int]] = {}
        for start in [s for s in self._windows if first <= s <= last]:
            for key, entry in self._windows[start].items():
                # Spilled states are not wanted here.
                states = entry.states if type(entry) is WindowEntry else decode(entry)[1:]
                sums_of_key = sums.setdefault(key, [0] * len(slots))
                for place, slot in enumerate(slots):
                    sums_of_key[place] += int(states[slot])
        return sums

    def _add(self, groups: Groups) -> None:
        entries, window, window_start = [], dict[str, WindowEntry | bytes](), -1
        for start, key in groups.entry_ids:
            if start != window_start:  # mostly many of one window
                window, window_start = self._windows[start], start
            entry = window.get(key)
            if type(entry) is not WindowEntry:
                entry = self._open((start, key), entry)
            entries.append(entry.states)
        self._format.fold(entries, groups)
        self._changed.update(groups.entry_ids)

    def _open(self, entry_id: EntryId, packed: bytes | None) -> WindowEntry:
        """Return a new entry, or one that was packed, ready to be folded into."""
        start, key = entry_id
        window = self._windows[start]
        if packed is None:
            other = self._get(start, OTHER) if OTHER in window else None
            opened = self._format.new(other.error_bound if other and key != OTHER else 0)
        else:
            opened = self._unpack(entry_id, packed)
        window[key] = opened
        self._unpacked.add(start)
        self._fullest = max(self._fullest, len(window))
        return opened

    def _get(self, start: int, key: str) -> WindowEntry:
        entry = self._windows[start].get(key)
        return entry if type(entry) is WindowEntry else self._open((start, key), entry)

    def _fold_in_order(self, batch: PreparedRows) -> None:
        """Add a batch that may overfill a window: row by row, as far as new keys go."""
        rows: defaultdict[int, list[tuple[str, object]]] = defaultdict(list)
        for time, key, value in zip(batch.times, batch.keys, batch.rows, strict=True):
            rows[self.window.start_of(time)].append((key, value))
        for start, keyed in rows.items():
            self._fold_window(start, keyed, batch)

    def _fold_window(self, start: int, rows: list[tuple[str, object]], batch: PreparedRows) -> None:
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
        named.sort(key=lambda pair: (-pair[1].upper_bound, pair[0]))
        other = self._get(start, OTHER)
        other.error_bound = named[self._keep][1].upper_bound
        self._changed.add((start, OTHER))
        for key, entry in named[self._keep :]:
            self._format.merge(other, entry)
            del window[key]
            self._changed.add((start, key))
        self._measure()

    def _measure(self) -> None:
        self._fullest = max(map(len, self._windows.values()), default=0)

    def _pack(self, start: int) -> None:
        """Keep the entries of a window as they have just been written: half the memory, a tenth for sets."""
        for key, entry in self._windows[start].items():
            if type(entry) is WindowEntry:
                packed = self._format.pack(entry)
                list(self._spilled.spill((start, key), packed))  # nothing new: it was just written
                self._windows[start][key] = encode(packed)
        self._unpacked.discard(start)

    def _unpack(self, entry_id: EntryId, raw: bytes) -> WindowEntry:
        packed = decode(raw)
        self._spilled.restore(entry_id, packed)
        return self._format.unpack(packed)

    def _whole(self, entry_id: EntryId, entry: WindowEntry | bytes) -> bytes:
        """Return the packed entry with its spilled states in place."""
        if type(entry) is WindowEntry:
            return encode(self._format.pack(entry))
        if entry_id not in self._spilled:
            return entry
        packed = decode(entry)
        self._spilled.restore(entry_id, packed)
        return encode(packed)
