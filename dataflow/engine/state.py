"""The state of a partition: what is counted of it, as its changelog keeps it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.stored_partition import StoredPartition
from dataflow.engine.tables.blob_store import MemoryBlobs
from dataflow.engine.tables.changelog import FORMAT_VERSION, ChangelogRecord, NewerFormat
from dataflow.engine.tables.chunks import ChunkCache, Chunks
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.errors import DataflowError
from dataflow.kafka.leader_epochs import NO_EPOCH
from dataflow.kafka.record import Record

PARTITION_KEY = b"|partition"
"""Changelog key of a partition's own numbers; table entries begin with the table's name."""

CLOCK_SKEW_MS = 60_000
"""How far the clocks of workers may be apart."""

_start = lru_cache(maxsize=1_000)(int)  # many records are of one window


class TableSuspended(DataflowError):
    """A table counts nothing of this partition for now; the message says why."""


class Suspension(msgspec.Struct, frozen=True, array_like=True):
    """Why a table counts nothing of a partition for now; whether it is counted anew, and only from now on."""

    reason: str
    is_rebuilding: bool = False
    from_now: bool = False


class PartitionNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A partition's own record in the changelog; of the release before it has only the first three fields.

    `since_ms` is by table the instant from which it counts, None for the begin.
    """

    position: int
    stream_time_ms: int
    event_counts: dict[str, object]
    version: int = 0
    since_ms: dict[str, int | None] | None = None
    suspended: dict[str, Suspension] = {}
    group: str = ""
    topic_id: str = ""
    changelog_id: str = ""
    changelog_start: int = 0


@dataclass(slots=True)
class PartitionState:
    """Counted events, tables, and the stream time."""

    table_partitions: dict[str, TablePartition]
    """The tables that count, by name."""
    event_counts: EventCounts
    stream_time_ms: int = 0
    position: int | None = None
    """End of what is counted; None: nothing yet."""
    topic_id: str = ""
    """Id of the source topic that was counted; empty for a broker that has none."""
    changelog_id: str = ""
    """Id of the changelog topic that is written to."""
    changelog_start: int = 0
    """First offset of the changelog when it was restored: it moves only where records are deleted."""
    suspended: dict[str, Suspension] = field(default_factory=dict)
    """The tables that do not count, by name."""
    faults: dict[bytes, str] = field(default_factory=dict)
    """Why records of the changelog cannot be used, by their keys."""
    offsets: dict[bytes, int] = field(default_factory=dict)
    """Where these are in the changelog."""
    stored: StoredPartition | None = None
    """What of it is on disk; None: nothing is."""
    cache: ChunkCache | None = None
    """The worker's, of sealed windows."""
    group: str = ""
    """The consumer group that has counted last; empty: that of the app's name."""
    leader_epoch: int = NO_EPOCH
    """Of the last record before `position`; the group keeps it beside the committed offset."""
    must_commit: bool = False
    """What our group has committed is not `position`, which has to be written at once."""
    _since_ms: dict[str, int | None] | None = None

    @classmethod
    def of(
        cls,
        tables: Iterable[WindowedTable],
        stored: StoredPartition | None = None,
        cache: ChunkCache | None = None,
    ) -> "PartitionState":
        """Return the state of a partition of which nothing is counted yet."""
        chunks = Chunks(stored or MemoryBlobs(), cache)
        table_partitions = {table.name: TablePartition(table, chunks) for table in tables}
        return cls(table_partitions, EventCounts(), stored=stored, cache=cache)

    def table_partition(self, name: str) -> TablePartition:
        """Return what a table has counted; raise `TableSuspended`, or KeyError for a name of no table."""
        if name in self.suspended:
            raise TableSuspended(self.suspended[name].reason)
        return self.table_partitions[name]

    def suspend(self, reason: str, *names: str) -> None:
        """Count no more in these tables, or in all, until they are counted anew."""
        for name in names or list(self.table_partitions):
            del self.table_partitions[name]
            hint = f"`dataflow tables rebuild {name}` rebuilds it"
            self.suspended.setdefault(name, Suspension(f"{reason}. {hint}"))

    def rewind(self, now_ms: int) -> int:
        """Go back to now wherever time is far ahead of it; return by how many ms at most.

        The releases before ours believed any record timestamp.
        """
        newest = (part.event_time.newest for part in self.table_partitions.values())
        ahead = max([self.stream_time_ms, *newest]) - now_ms
        if ahead <= CLOCK_SKEW_MS:
            return 0
        self.stream_time_ms = min(self.stream_time_ms, now_ms)
        for table_partition in self.table_partitions.values():
            table_partition.rewind(now_ms)
        return ahead

    # -- the changelog

    def load(self, records: Iterable[ChangelogRecord]) -> None:
        """Restore records of the changelog; the last record of a key counts.

        One that cannot be used is among the `faults`. Raises `NewerFormat`.
        """
        loaders = {name.encode(): part.loaders for name, part in self.table_partitions.items()}
        for key, value in records:
            name, *where = key.split(b"|", 3)
            load = loaders[name].get(where[0]) if len(where) == 3 and name in loaders else None
            try:
                if load is None:
                    self._load_other(name, key, value)
                else:
                    load(_start(where[1]), where[2].decode(), value)
            except NewerFormat:
                raise
            except (DataflowError, ValueError, LookupError) as error:
                if value is not None:
                    self.faults[key] = f"{type(error).__name__}: {error}"
                    continue
            if self.faults:
                self.faults.pop(key, None)

    def keep(self, records: Iterable[ChangelogRecord], position: int | None) -> None:
        """Have committed records written to disk; they end at this offset of the changelog, if known."""
        if self.stored is not None:
            self.stored.add(records, position)

    def note_offsets(self, records: Iterable[Record]) -> None:
        """Note where the records were that have been loaded, if any of them is a fault."""
        if self.faults:
            self.offsets |= {r.key: r.offset for r in records if r.key in self.faults}

    def _check_start(self, changelog: str, start: int) -> None:
        """Suspend the tables if the changelog begins later than before: compaction never does that."""
        if self.position is not None and start > self.changelog_start:
            self.suspend(
                f"{changelog} begins at offset {start}; expected {self.changelog_start}: records were "
                "deleted, by retention or by hand, and what they had is lost"
            )
        self.changelog_start = start

    def check_loaded(self, changelog: str, start: int, now_ms: int) -> None:
        """Suspend tables whose records cannot be used, and date new ones; call it when all is loaded.

        `start` is the first offset of the changelog: below it, records were deleted.
        """
        self._check_start(changelog, start)
        if PARTITION_KEY in self.faults:
            self.position, self.stream_time_ms, self.event_counts = None, 0, EventCounts()
        for name, reason in list(self._unusable(changelog)):
            if name in self.table_partitions:
                self.suspend(reason, name)
        if self._since_ms is not None:
            for name, table_partition in self.table_partitions.items():
                table_partition.since_ms = self._since_ms.get(name, now_ms)

    def _unusable(self, changelog: str) -> Iterator[tuple[str, str]]:
        for name, suspension in self.suspended.items():
            yield name, suspension.reason
        # How the table was declared explains the entries.
        for key, fault in sorted(self.faults.items(), key=lambda item: not item[0].endswith(b"|event_time")):
            place = f"offset {self.offsets[key]}, " if key in self.offsets else ""
            reason = f"{changelog} holds what cannot be used: {place}key {key!r}, {fault}"
            name = key[: key.find(b"|")].decode()
            yield from [(name, reason)] if name else dict.fromkeys(self.table_partitions, reason).items()
        for name, table_partition in self.table_partitions.items():
            if self._since_ms is not None and name not in self._since_ms and not table_partition.is_new:
                yield name, f"{changelog} was written for a while by a release without {name}"

    def encode_numbers(self, position: int, version: int = FORMAT_VERSION) -> bytes:
        """Return the changelog value of a partition's own numbers, counted up to `position`."""
        since_ms = {name: part.since_ms for name, part in self.table_partitions.items()}
        counts = self.event_counts.as_mapping()
        numbers = PartitionNumbers(
            position,
            self.stream_time_ms,
            counts,
            version,
            since_ms,
            self.suspended,
            self.group,
            self.topic_id,
            self.changelog_id,
            self.changelog_start,
        )
        return msgspec.msgpack.encode(numbers)

    def _load_other(self, table: bytes, key: bytes, value: bytes | None) -> None:
        """Restore a record that is of no window; nothing of a table that is declared no more."""
        if not table:
            self._load_numbers(key, value)
        elif (part := self.table_partitions.get(table.decode(errors="replace"))) is not None:
            part.load(key, value)

    def _load_numbers(self, key: bytes, value: bytes | None) -> None:
        if key != PARTITION_KEY or value is None:
            return
        match raw := msgspec.msgpack.decode(value):
            case [_, _, _, int(version), *_] if version > FORMAT_VERSION:
                raise NewerFormat("a partition", version)
        numbers = msgspec.convert(raw, PartitionNumbers)
        self.position, self.stream_time_ms = numbers.position, numbers.stream_time_ms
        self.event_counts = EventCounts.from_mapping(numbers.event_counts)
        self._since_ms, self.suspended = numbers.since_ms, dict(numbers.suspended)
        self.group = numbers.group
        self.topic_id, self.changelog_id = numbers.topic_id, numbers.changelog_id
        self.changelog_start = numbers.changelog_start
