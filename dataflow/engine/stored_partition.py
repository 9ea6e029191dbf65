"""Stored partition: what is committed of a partition's changelog, on disk but for the newest."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec import msgpack

from dataflow.engine.disk_records import DiskRecords
from dataflow.engine.tables.changelog import CHUNK, ChangelogRecord
from dataflow.errors import DataflowError
from dataflow.instants import now_ms

RECORD_BYTES: Final = 200
"""About what an entry takes in memory until it is on disk."""

SLICE_BYTES: Final = 100 << 10
"""About what is written at once: some ms, in which the loop does nothing else."""

RECORDS_AT_ONCE: Final = 10_000
"""So many are loaded between two breaths of the event loop."""

REUSABLE_MS: Final = 12 * 3_600_000
"""How old what is on disk may be: after `delete.retention.ms`, a day, a broker forgets what was deleted."""

_MISSING: Final = object()


class DamagedStore(DataflowError):
    """The file of the local store is not as it was written; it has been removed."""


class StoreClosed(DataflowError):
    """The worker stops: what it has counted can be asked of the next one."""


class Reflected(msgspec.Struct, frozen=True, array_like=True):
    """Which changelog the records on disk are of, up to which offset, and when that was its end."""

    identity: list[str]
    position: int
    at_ms: int


class Changelog(msgspec.Struct, frozen=True):
    """A changelog partition as the broker has it now.

    `identity` is the topic's id, who keeps the records and what they count; None: what is on disk cannot be
    used again.
    """

    identity: list[str] | None
    start: int
    end: int

    def fault_of(self, reflected: Reflected) -> str | None:
        """Return why what is on disk is of no use; None if the records from its position on complete it."""
        position, age_ms = reflected.position, now_ms() - reflected.at_ms
        if reflected.identity != self.identity:
            return f"it is of {reflected.identity}; expected {self.identity}"
        if not self.start <= position <= self.end:
            return f"its position is {position}; expected {self.start} to {self.end}"
        if position + 1 < self.end and not 0 <= age_ms <= REUSABLE_MS:  # the last may be a control record
            return f"it is {age_ms / 1000:.0f} s old; expected 0 to {REUSABLE_MS // 1000}"
        return None


class StoredPartition:
    """The records of one changelog partition; to the tables, their blob store.

    A chunk is fresh until the checkpoint with it is committed; what is committed is dirty until it is
    written. What is written may be newer than the position on disk: the changelog is read from there on,
    and the last record of a key counts. Where the disk cannot be used again, only chunks are written.
    """

    def __init__(self, disk: DiskRecords, number: int, changelog: Changelog) -> None:
        self.position: int | None = None
        """Offset up to which the changelog is in here; None: not known."""
        self.size = 0
        """About how many bytes are in memory."""
        self.is_current = True
        """Whether it may still write: the partition may come back, and be loaded anew."""
        self._disk = disk
        self._number = number
        self._changelog = changelog
        self._identity = changelog.identity
        self._fresh: dict[bytes, bytes | None] = {}
        self._dirty: dict[bytes, bytes | None] = {}
        self._position_at_ms = 0
        self._written: int | None = None  # the position on disk
        self._is_loading = False

    # -- the blob store

    def get(self, key: bytes) -> bytes:
        """Return what was put; raise KeyError if nothing was."""
        for layer in (self._fresh, self._dirty):
            if key in layer:
                blob = layer[key]
                if blob is None:
                    raise KeyError(key)
                return blob
        try:
            return self._disk.get(self._number, key)
        except sqlite3.ProgrammingError:  # it is closed
            raise StoreClosed("worker is stopping; expected one that is ready") from None
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def put(self, key: bytes, blob: bytes) -> None:
        """Keep these bytes in place of those before."""
        if not self._is_loading:
            self._fresh[key] = blob
            self.size += len(blob)

    def delete(self, key: bytes) -> None:
        """Forget a key; do nothing if it is unknown."""
        self._fresh[key] = None

    # -- the changelog

    def add(self, records: Iterable[ChangelogRecord], position: int | None = None) -> None:
        """Take committed records, which end at this offset if that is known."""
        before = len(self._dirty)
        self._dirty.update(records if self._identity else filter(_is_chunk, records))
        self.size += RECORD_BYTES * (len(self._dirty) - before)
        for key in [key for key, blob in self._fresh.items() if self._dirty.get(key, _MISSING) is blob]:
            del self._fresh[key]
        if position is not None:
            self.position, self._position_at_ms = position, now_ms()

    async def load(self, take: Callable[[Sequence[ChangelogRecord]], None]) -> None:
        """Hand out what is on disk; raise DatabaseError if it is damaged, ValueError if it is of no use."""
        raw = self._disk.note(self._number)
        if raw is None:
            return
        reflected = msgpack.decode(raw, type=Reflected)
        fault = self._changelog.fault_of(reflected)
        if fault is not None:
            raise ValueError(fault)
        self._is_loading = True
        records = self._disk.items(self._number)
        while some := list(islice(records, RECORDS_AT_ONCE)):
            take(some)
            await asyncio.sleep(0)
        self._is_loading = False
        self.position = self._written = reflected.position

    def clear(self) -> None:
        """Delete what is on disk."""
        self._is_loading = False
        try:
            self._disk.clear(self._number)
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.DatabaseError) -> DamagedStore:
        self._disk.remove()
        return DamagedStore(
            f"local store {self._disk.path} is damaged ({error}), and has been removed; "
            "expected a restart, which reads the whole changelog"
        )

    def keep_only_chunks(self) -> None:
        """Note no position any more: the disk is full, and the memory must not fill, too."""
        self._identity = None
        self._dirty = dict(filter(_is_chunk, self._dirty.items()))
        self.size = sum(len(blob or b"") for blob in self._dirty.values())

    # -- the disk

    async def flush(self) -> None:
        """Write what is dirty, a slice at a time."""
        records = [(key, self._dirty[key]) for key in sorted(self._dirty)]  # else four times as dear
        position, position_at_ms = self.position, self._position_at_ms
        for some in self._slices(records):
            if not self.is_current:
                return
            self._disk.write(self._number, some)
            await asyncio.sleep(0)
        if self.is_current and self._identity and position not in {None, self._written}:
            reflected = Reflected(self._identity, position, position_at_ms)
            self._disk.write_note(self._number, msgpack.encode(reflected))
            self._written = position
        for key, value in records:
            if self._dirty.get(key, _MISSING) is value:
                del self._dirty[key]
        self.size = RECORD_BYTES * len(self._dirty)

    def _slices(self, records: Iterable[ChangelogRecord]) -> Iterator[Sequence[ChangelogRecord]]:
        is_on_disk: dict[bytes, bool] = {}
        some: list[ChangelogRecord] = []
        size = 0
        for key, value in records:
            if value is None:  # mostly of a window that was sealed before it came here
                window = b"|".join(key.split(b"|", 3)[:3])
                if window not in is_on_disk:
                    is_on_disk[window] = self._disk.has_any(self._number, window)
                if not is_on_disk[window]:
                    continue
            some.append((key, value))
            size += RECORD_BYTES + len(value or b"")
            if size >= SLICE_BYTES:
                yield some
                some, size = [], 0
        yield some


def _is_chunk(record: ChangelogRecord) -> bool:
    return CHUNK in record[0]
