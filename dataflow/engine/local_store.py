"""Local store: what the changelogs of a worker's partitions hold, on its disk; a lost one costs only time."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from dataflow.engine.disk_records import DiskRecords, remove
from dataflow.engine.disk_upkeep import UnusedPartitions, remove_abandoned
from dataflow.engine.state import PartitionState
from dataflow.engine.stored_partition import Changelog, StoredPartition
from dataflow.engine.tables.changelog import ChangelogRecord
from dataflow.engine.tables.chunks import CACHE_BYTES, ChunkCache
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.file_locks import try_lock
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log
from dataflow.private_files import private_folder

log = get_log(__name__)

FLUSH_BYTES: Final = 16 << 20
"""What is not on disk yet may take about so much memory."""


class LocalStore:
    """Keeps a worker's partitions on disk; until it is opened, and where it cannot be, in memory.

    Records are written some time after they are committed: what was not written is read from the changelog.
    """

    def __init__(self, flush_seconds: float = 30.0, on_progress: Callable[[], object] = lambda: None) -> None:
        self._flush_seconds = flush_seconds
        self._on_progress = on_progress
        self.cache: ChunkCache = WeightedCache(CACHE_BYTES)
        self.worker = ""
        self._disk: DiskRecords | None = None
        self._lock: int | None = None
        self._partitions: dict[TopicPartition, StoredPartition] = {}
        self._unused: UnusedPartitions | None = None
        self._flushing = asyncio.Lock()
        self._flushed_at = monotonic()

    def open(self, folder: Path, worker: str) -> None:
        """Open the file of this worker; warn of one that is damaged or cannot be used."""
        self.worker, path = worker, folder / f"{worker}.sqlite"
        try:
            private_folder(folder)
            self._lock = try_lock(folder / f"{worker}.lock")
            if self._lock is None:
                raise BlockingIOError("another process uses it")
            self._disk = _opened(path)
            self._unused = UnusedPartitions(self._disk)
            remove_abandoned(folder, path)
        except (OSError, sqlite3.Error) as error:
            log.warning(
                "Local store cannot be used: tables stay in memory, and a restart reads whole changelogs.",
                path=path,
                reason=error,
            )

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return self.cache.weight + sum(stored.size for stored in self._partitions.values())

    async def close(self) -> None:
        """Write what is committed, and close the file."""
        await self.flush()
        self._partitions = {}
        if self._disk is not None:
            self._disk.close()
        if self._lock is not None:
            os.close(self._lock)
        self._disk = self._lock = self._unused = None

    async def load(
        self, tp: TopicPartition, changelog: Changelog, tables: Collection[WindowedTable]
    ) -> PartitionState:
        """Return the state of the source partition of this changelog as far as it is on disk."""
        if self._disk is None:
            return PartitionState.of(tables, cache=self.cache)
        try:
            stored = self._stored(self._disk, tp, changelog)
        except sqlite3.DatabaseError as error:  # the disk is full
            _tell_unusable(tp, error)
            return PartitionState.of(tables, cache=self.cache)
        state = PartitionState.of(tables, stored, self.cache)
        try:
            await stored.load(partial(self._load, state))
        except (sqlite3.DatabaseError, ValueError) as error:
            _tell_unusable(tp, error)
        if stored.position is not None:
            return state
        stored.clear()
        return PartitionState.of(tables, stored, self.cache)

    async def replay(self, state: PartitionState, records: Sequence[Record]) -> None:
        """Restore records of the changelog that are not on disk yet."""
        changes = [(record.key or b"", record.value) for record in records]
        self._load(state, changes)
        state.note_offsets(records)
        state.keep(changes, None)
        await self.flush_if_due()

    def _load(self, state: PartitionState, records: Sequence[ChangelogRecord]) -> None:
        state.load(records)
        self._on_progress()

    def _stored(self, disk: DiskRecords, tp: TopicPartition, changelog: Changelog) -> StoredPartition:
        """Return what stands for this changelog partition from now on."""
        if tp in self._partitions:
            self._partitions[tp].is_current = False
        stored = StoredPartition(disk, disk.number_of(*tp), changelog)
        self._partitions[tp] = stored
        return stored

    def delete_unused(self, used: Collection[TopicPartition]) -> None:
        """Delete a part of what is on disk of partitions that other workers have had for long."""
        try:
            if self._unused is not None:
                self._unused.delete_some(used)
        except sqlite3.DatabaseError as error:
            self._unused = None
            log.warning("Local store cannot delete what is not used: its file may grow.", reason=error)

    async def flush_if_due(self) -> None:
        """Write what is committed if there is much of it, or some time has passed."""
        size = sum(stored.size for stored in self._partitions.values())
        if size >= FLUSH_BYTES or monotonic() - self._flushed_at >= self._flush_seconds:
            await self.flush()

    async def flush(self) -> None:
        """Write what is committed; what cannot be written stays in memory."""
        if self._disk is None:
            return
        async with self._flushing:
            self._flushed_at = monotonic()
            try:
                for stored in list(self._partitions.values()):
                    await stored.flush()
                await asyncio.to_thread(self._disk.sync)
            except sqlite3.DatabaseError as error:
                log.warning(
                    "Local store cannot be written: the next start reads more of changelogs.", reason=error
                )
                for stored in self._partitions.values():
                    stored.keep_only_chunks()


def _tell_unusable(tp: TopicPartition, error: Exception) -> None:
    log.warning(
        "What is on disk of a partition cannot be used; reading its whole changelog.",
        changelog=tp.topic,
        partition=tp.partition,
        reason=error,
    )


def _opened(path: Path) -> DiskRecords:
    try:
        return DiskRecords(path)
    except sqlite3.DatabaseError as error:
        log.warning("Local store is damaged: reading whole changelogs.", path=path, reason=error)
        remove(path)
        return DiskRecords(path)
