"""Table partition: what one source partition has counted for a windowed table."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import NoReturn

import msgspec
from msgspec import msgpack

from dataflow.engine.tables.answer import Part, Totals
from dataflow.engine.tables.blob_store import MemoryBlobs
from dataflow.engine.tables.changelog import (
    FORMAT_VERSION,
    ChangelogRecord,
    NewerFormat,
    event_time_key,
    event_time_key_0,
)
from dataflow.engine.tables.chunk_cache import ChunkCache, Chunks
from dataflow.engine.tables.event_time_state import EventTimeState
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.stored_window import StoredWindow
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_levels import WindowLevels
from dataflow.engine.tables.window_store import WindowStore
from dataflow.engine.tables.windows import Window
from dataflow.errors import Misconfigured


class TablePartition:
    """The windows of one partition, and how far it is in event time.

    Rows must come in log order; how they are cut into batches changes nothing.
    """

    def __init__(self, table: WindowedTable, chunks: Chunks | None = None) -> None:
        self.table = table
        event_time = EventTimeState(table.declared, {window.name: 0 for window in table.windows})
        self._levels = WindowLevels(table, event_time, chunks or Chunks(MemoryBlobs(), ChunkCache()))
        self._key, self._key_0 = event_time_key(table.name), event_time_key_0(table.name)
        self.since_ms: int | None = None
        """The instant from which it counts; None: from the begin of its topic."""
        self._written = self._unwritten = self._encoded_event_time()
        self._is_migrated = False  # from version 0, and that has not been written yet
        self._raw_name = table.name.encode()
        self._loaders = self._levels.loaders()

    @property
    def event_time(self) -> EventTimeState:
        """How far the partition is in event time."""
        return self._levels.event_time

    @property
    def stores(self) -> Sequence[WindowStore]:
        """The windows by their size."""
        return self._levels.stores

    @property
    def watermark(self) -> int:
        """The instant in ms up to which windows that have ended are closed; -1 for none."""
        return self._levels.watermark

    @property
    def is_new(self) -> bool:
        """Tell whether it has counted nothing yet."""
        return self._encoded_event_time() == self._unwritten

    def fold(self, rows: Rows) -> None:
        """Add a batch of rows to every window that may still take them, and to all time."""
        if len(rows):
            self._levels.fold(rows)

    def rewind(self, now_ms: int) -> None:
        """Go back to now if event time is ahead of it."""
        if self.event_time.newest > now_ms:
            self._levels.rewind(now_ms)

    def snapshot(self) -> list[ChangelogRecord]:
        """Return the changelog records changed since the last snapshot; None deletes a key."""
        records = self._levels.snapshot()
        if self._is_migrated:
            records.append((self._key_0, None))
            self._is_migrated = False
        event_time = self._encoded_event_time()
        if event_time != self._written:
            self._written = event_time
            records.append((self._key, event_time))
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
        load = self._loaders.get(window)
        if load is None:
            self._refuse(window.decode())
        load(int(start), label.decode(), value)

    def answer(
        self,
        window: Window,
        from_ms: int | None = None,
        to_ms: int | None = None,
        key: str | None = None,
    ) -> Part:
        """Return what this partition has of the windows that overlap [from, to), of one key or all.

        An entry comes in several parts while smaller windows hold some of its rows.
        """
        entries = []
        for start, part in self._parts(window, from_ms, to_ms):
            if key is None:
                entries += [(start, label, packed) for label, packed in part.all_parts()]
            else:
                entries += [(start, key, packed) for packed in part.parts(key)]
        return Part(
            entries=entries,
            watermark=self.watermark,
            newest=self.event_time.newest,
            late=self.event_time.late.get(window.name, 0),
            undated=self.event_time.undated,
            future=self.event_time.future,
            since_ms=self.since_ms,
        )

    def totals(
        self, window: Window, from_ms: int | None, to_ms: int | None, aggregations: Sequence[str]
    ) -> Totals:
        """Return the sums of these counts and sums over the windows that overlap [from, to)."""
        slots = [list(self.table.aggregations).index(name) + 1 for name in aggregations]
        by_key: dict[str, list[int]] = {}
        for _, part in self._parts(window, from_ms, to_ms):
            for key, states in part.totals(slots):
                totals = by_key.setdefault(key, [0] * len(slots))
                for place, state in enumerate(states):
                    totals[place] += int(state)
        return Totals(
            by_key=by_key,
            kept_from=self._levels.kept_from(window),
            late_until=self.event_time.last_late(window),
        )

    def _parts(
        self, window: Window, from_ms: int | None, to_ms: int | None
    ) -> Iterator[tuple[int, StoredWindow]]:
        """Yield the windows, and the smaller ones that are part of them, with the start of the former."""
        size = window.size_ms
        first = 0 if from_ms is None or not size else -(-(from_ms - size + 1) // size) * size
        end = inf if to_ms is None or not size else -(-to_ms // size) * size
        for store, begin in self._levels.parts_of(window):
            for part in store.between(max(first, begin), end):
                yield window.start_of(part.start), part

    def _encoded_event_time(self) -> bytes:
        return msgpack.encode([FORMAT_VERSION, self.event_time])

    def _load_event_time(self, key: bytes, value: bytes | None) -> None:
        if key not in {self._key, self._key_0}:
            self._refuse(key.decode())
        if value is None:
            return
        if key == self._key:
            version, raw = msgpack.decode(value, type=tuple[int, msgspec.Raw])
            if version > FORMAT_VERSION:
                raise NewerFormat(self.table.name, version)
            self._written = value
            event_time = msgpack.decode(raw, type=EventTimeState)
        else:
            event_time = msgpack.decode(value, type=EventTimeState)
            self._is_migrated = True
            event_time.rolled_up = self._levels.rolled_up_in_version_0(event_time.newest)
        if event_time.declared != self.table.declared:
            self._refuse(event_time.declared)
        self._levels.restore(event_time)

    def _refuse(self, declared: str) -> NoReturn:
        raise Misconfigured(
            f"changelog of {self.table.name} has {declared!r}; expected {self.table.declared!r}, "
            "as the table is declared"
        )
