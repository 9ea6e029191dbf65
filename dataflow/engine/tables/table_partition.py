"""Table partition: what one source partition has counted for a windowed table."""

from collections.abc import Sequence
from itertools import compress
from operator import not_
from typing import NoReturn

from msgspec import msgpack

from dataflow.engine.tables.answer import Part, Totals
from dataflow.engine.tables.event_time_state import EventTimeState, on_time
from dataflow.engine.tables.grouping import EntryId, Groups, PreparedRows, coarsen, group
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.spilled_states import ChangelogRecord
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_entry import EntryFormat
from dataflow.engine.tables.window_store import WindowStore
from dataflow.engine.tables.windows import ALL, Window
from dataflow.errors import Misconfigured


class TablePartition:
    """The window stores of one partition, and how far it is in event time.

    Rows must come in log order; how they are cut into batches changes nothing.
    """

    def __init__(self, table: WindowedTable) -> None:
        self.table = table
        self.event_time = EventTimeState(table.declared, {window.name: 0 for window in table.windows})
        self._event_time_key = f"{table.name}|progress".encode()
        self._event_time_written = msgpack.encode(self.event_time)
        self._format = EntryFormat(table)
        self._stores = {w.name: WindowStore(table, w, self._format) for w in table.every_window}
        self._by_raw_name = {name.encode(): store for name, store in self._stores.items()}
        self._raw_name = table.name.encode()

    @property
    def watermark(self) -> int:
        """The instant in ms up to which windows that have ended are closed; -1 for none."""
        return self.event_time.watermark(self.table.lateness_ms)

    def fold(self, rows: Rows) -> None:
        """Add a batch of rows to every window that may still take them, and to all time."""
        if not len(rows):
            return
        batch = self._format.prepare(rows, self.table.key)
        dated = self.event_time.dated(batch)
        groups = self._fold_dated(dated) if dated.times else None
        if self.table.all_time:
            groups = coarsen(batch, groups, ALL) if groups and dated is batch else group(batch, ALL)
            self._stores[ALL.name].fold(groups, batch)

    def snapshot(self) -> list[ChangelogRecord]:
        """Return the changelog records changed since the last snapshot: one an entry, None deletes it."""
        watermark, records = self.watermark, []
        for store in self._stores.values():
            records += store.snapshot(open_from=watermark - store.window.size_ms + 1)
        event_time = msgpack.encode(self.event_time)
        if event_time != self._event_time_written:
            self._event_time_written = event_time
            records.append((self._event_time_key, event_time))
        return records

    def load(self, key: bytes, value: bytes | None) -> None:
        """Restore one record of the changelog; the last record of a key counts.

        Raises Misconfigured where the table was declared otherwise when the record was written.
        """
        name, *where = key.split(b"|", 3)
        if name != self._raw_name or len(where) != 3:
            self._load_event_time(key, value)
            return
        window, start, label = where
        store = self._by_raw_name.get(window)
        if store is not None:
            store.load(int(start), label.decode(), value)
        else:
            self._load_spilled(window.decode(), (int(start), label.decode()), value)

    def answer(
        self,
        window: Window,
        from_ms: int | None = None,
        to_ms: int | None = None,
        key: str | None = None,
    ) -> Part:
        """Return what this partition has of the windows that overlap [from, to), of one key or all."""
        return Part(
            entries=list(self._stores[window.name].between(*self._starts(window, from_ms, to_ms), key)),
            watermark=self.watermark,
            newest=self.event_time.newest,
            late=self.event_time.late.get(window.name, 0),
            undated=self.event_time.undated,
            future=self.event_time.future,
        )

    def totals(
        self, window: Window, from_ms: int | None, to_ms: int | None, aggregations: Sequence[str]
    ) -> Totals:
        """Return the sums of these counts and sums over the windows that overlap [from, to)."""
        slots = [self._format.names.index(name) for name in aggregations]
        return Totals(
            by_key=self._stores[window.name].totals(*self._starts(window, from_ms, to_ms), slots),
            kept_from=self._kept_from(window),
            late_until=self.event_time.last_late(window),
        )

    def _starts(self, window: Window, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
        """Return the first and the last instant at which windows start that overlap [from, to)."""
        size = window.size_ms
        first = 0 if from_ms is None or not size else from_ms - size + 1
        last = max(self.event_time.newest, 0) if to_ms is None or not size else to_ms - 1
        return first, last

    def _fold_dated(self, batch: PreparedRows) -> Groups | None:
        """Add rows that have a time; return them by entry if all are in their windows."""
        before = self.event_time.newest
        newest = max(batch.times)
        self.event_time.newest = max(before, newest)
        if self._may_be_late(min(batch.times)):
            self._fold_late(batch, before)
            groups = None
        else:
            groups = self._fold_on_time(batch)
        self._drop_old()
        return groups

    def _may_be_late(self, oldest: int) -> bool:
        # the smallest window that holds a time is the first of them to close
        smallest = self.table.every_window[0]
        return smallest.start_of(oldest) + smallest.size_ms <= self.watermark

    def _fold_on_time(self, batch: PreparedRows) -> Groups | None:
        groups: Groups | None = None
        for window in self.table.windows:
            groups = coarsen(batch, groups, window) if groups else group(batch, window)
            self._stores[window.name].fold(groups, batch)
        return groups

    def _fold_late(self, batch: PreparedRows, newest: int) -> None:
        for window in self.table.windows:
            lateness = self.table.lateness_ms or 0
            mask = list(on_time(batch.times, window, newest, lateness))
            on_time_rows = batch.select(mask)
            if len(on_time_rows.times) < len(batch.times):
                self.event_time.note_late(window, list(compress(batch.times, map(not_, mask))))
            if on_time_rows.times:
                self._stores[window.name].fold(group(on_time_rows, window), on_time_rows)

    def _drop_old(self) -> None:
        for window in self.table.windows:
            if window.retention_ms is not None:
                self._stores[window.name].drop_before(self._kept_from(window))

    def _kept_from(self, window: Window) -> int:
        """Return the instant in ms from which windows are kept; 0 or less while none has been dropped."""
        if window.retention_ms is None:
            return 0
        return self.watermark - window.retention_ms - window.size_ms + 1

    def _load_event_time(self, key: bytes, value: bytes | None) -> None:
        if key != self._event_time_key:
            self._refuse(key.decode())
        if value is None:
            return
        self.event_time = msgpack.decode(value, type=EventTimeState)
        self._event_time_written = value
        if self.event_time.declared != self.table.declared:
            self._refuse(self.event_time.declared)

    def _load_spilled(self, where: str, entry_id: EntryId, value: bytes | None) -> None:
        window, _, aggregation = where.partition("/")
        try:
            self._stores[window].load_spilled(aggregation, entry_id, value)
        except KeyError:
            self._refuse(where)

    def _refuse(self, declared: str) -> NoReturn:
        raise Misconfigured(
            f"changelog of {self.table.name} has {declared!r}; expected {self.table.declared!r} "
            "(give the changed table a new name, or delete its changelog)"
        )
