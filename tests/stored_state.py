"""One partition of a worker over its restarts, without Kafka: its disk, its changelog, uncommitted rows."""

import shutil
from pathlib import Path

from aiokafka.record.default_records import DefaultRecord

from dataflow.engine.local_store import LocalStore
from dataflow.engine.stored_partition import Changelog
from dataflow.engine.tables import Rows, TablePartition, WindowedTable
from dataflow.engine.tables.changelog import ChangelogRecord
from dataflow.kafka.types import TopicPartition

TP = TopicPartition("app-events-changelog", 0)


class StoredState:
    """Counts rows in a table; the list `log` is the changelog, its indices are the offsets."""

    def __init__(self, folder: Path, table: WindowedTable, worker: str = "worker") -> None:
        self.folder, self.table, self.worker = folder, table, worker
        self.identity: list[str] | None = ["the topic's id", table.declared]
        self.start = 0
        self.log: list[ChangelogRecord] = []
        self.read: list[ChangelogRecord] = []
        """What the last start has read of the changelog."""
        self._lives = 0
        self._uncommitted: list[Rows] = []

    @property
    def disk(self) -> Path:
        """The folder of this life."""
        return self.folder / str(self._lives)

    @property
    def file(self) -> Path:
        """The file of this life."""
        return self.disk / f"{self.worker}.sqlite"

    @property
    def counted(self) -> TablePartition:
        """The table."""
        return self.state.table_partitions[self.table.name]

    async def begin(self) -> None:
        """Start: read the disk, the changelog, and the rows that were not committed."""
        self.local = LocalStore()
        self.local.open(self.disk, self.worker)
        changelog = Changelog(self.identity, self.start, len(self.log))
        self.state = await self.local.load(TP, changelog, [self.table])
        stored = self.state.stored
        self.read = self.log[stored.position or 0 :] if stored else self.log
        await self.local.replay(self.state, [DefaultRecord(0, 0, 0, *record, []) for record in self.read])
        self.state.keep((), len(self.log))
        for rows in self._uncommitted:
            self.counted.fold(rows)

    def fold(self, rows: Rows) -> None:
        """Count rows."""
        self._uncommitted.append(rows)
        self.counted.fold(rows)

    def commit(self, more: Rows | None = None) -> None:
        """Write a checkpoint; more rows may come before it is acknowledged."""
        changes = self.counted.snapshot()
        self._uncommitted = []
        if more is not None:
            self.fold(more)
        self.log += changes
        self.state.keep(changes, len(self.log))

    async def end(self) -> None:
        """Stop as SIGTERM does, when all is committed."""
        await self.local.close()

    async def kill(self, *, keep_disk: bool = True) -> None:
        """End at once, with the files as they are at this moment, or without."""
        before, self._lives = self.disk, self._lives + 1
        if keep_disk:
            shutil.copytree(before, self.disk)
        await self.local.close()  # writes to the files of the life before, which nobody reads any more
