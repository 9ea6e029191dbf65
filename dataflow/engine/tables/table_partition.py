"""Table partition: what one source partition has counted for a windowed table."""

from typing import NoReturn

import msgspec
from msgspec import msgpack

from dataflow.engine.tables.blob_store import MemoryBlobs
from dataflow.engine.tables.changelog import (
    FORMAT_VERSION,
    ChangelogRecord,
    NewerFormat,
    event_time_key,
    event_time_key_0,
)
from dataflow.engine.tables.chunks import Chunks
from dataflow.engine.tables.event_time_state import EventTimeState
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.steps import Steps, finish
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_levels import WindowLevels
from dataflow.errors import Misconfigured


class TablePartition:
    """The windows of one partition, and how far it is in event time.

    Rows must come in log order; how they are cut into batches changes nothing.
    """

    def __init__(self, table: WindowedTable, chunks: Chunks | None = None) -> None:
        self.table = table
        event_time = EventTimeState(table.declared, {window.name: 0 for window in table.windows})
        self.levels = WindowLevels(table, event_time, chunks or Chunks(MemoryBlobs()))
        self._key, self._key_0 = event_time_key(table.name), event_time_key_0(table.name)
        self.since_ms: int | None = None
        """The instant from which it counts; None: from the begin of its topic."""
        self._written = self._unwritten = self._encoded_event_time()
        self._is_migrated = False  # from version 0, and that has not been written yet
        self._raw_name = table.name.encode()
        self.loaders = self.levels.loaders()
        """What restores records of windows, by the second part of their keys."""

    @property
    def event_time(self) -> EventTimeState:
        """How far the partition is in event time."""
        return self.levels.event_time

    @property
    def watermark(self) -> int:
        """The instant in ms up to which windows that have ended are closed; -1 for none."""
        return self.levels.watermark

    @property
    def is_new(self) -> bool:
        """Tell whether it has counted nothing yet."""
        return self._encoded_event_time() == self._unwritten

    def fold(self, rows: Rows) -> None:
        """Add a batch of rows to every window that may still take them, and to all time."""
        if len(rows):
            self.levels.fold(rows)

    def rewind(self, now_ms: int) -> None:
        """Go back to now if event time is ahead of it."""
        if self.event_time.newest > now_ms:
            self.levels.rewind(now_ms)

    def upkeep(self) -> Steps[None]:
        """Roll up, seal and pack what is due, in steps; the next snapshot has what comes of it."""
        return self.levels.upkeep()

    def snapshot(self, version: int = FORMAT_VERSION, *, is_upkept: bool = False) -> list[ChangelogRecord]:
        """Return the changelog records changed since the last snapshot, in this format; None deletes a key.

        Unless somebody else sees to its upkeep, it does that first.
        """
        if not is_upkept:
            finish(self.upkeep())
        records = self.levels.snapshot()
        if self._is_migrated:
            records.append((self._key_0, None))
            self._is_migrated = False
        event_time = self._encoded_event_time(version)
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
        load = self.loaders.get(window)
        if load is None:
            self._refuse(window.decode())
        load(int(start), label.decode(), value)

    def _encoded_event_time(self, version: int = FORMAT_VERSION) -> bytes:
        return msgpack.encode([version, self.event_time])

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
            event_time.rolled_up = self.levels.rolled_up_in_version_0(event_time.newest)
        if event_time.declared != self.table.declared:
            self._refuse(event_time.declared)
        self.levels.restore(event_time)

    def _refuse(self, declared: str) -> NoReturn:
        raise Misconfigured(
            f"changelog of {self.table.name} has {declared!r}; expected {self.table.declared!r}, "
            "as the table is declared"
        )
