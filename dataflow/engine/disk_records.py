"""Disk records: records of changelog partitions by key, in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from crc32c import crc32c

from dataflow.engine.tables.changelog import ChangelogRecord

SCHEMA = """
CREATE TABLE IF NOT EXISTS partitions (
    number INTEGER PRIMARY KEY, changelog TEXT, partition INTEGER, note BLOB, checksum INTEGER,
    UNIQUE (changelog, partition)
);
CREATE TABLE IF NOT EXISTS records (
    number INTEGER, key BLOB, value BLOB, checksum INTEGER, PRIMARY KEY (number, key)
);
"""
PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;"


class DiskRecords:
    """The file; whoever opens it makes sure that no other process does.

    It stays whole when the process is killed or the machine fails; what was written last may be gone then.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; raise sqlite3.Error if that cannot be, or it is damaged."""
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(PRAGMAS + SCHEMA)
        [(found,)] = self._db.execute("PRAGMA quick_check(1)")
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def remove(self) -> None:
        """Close the file and remove it."""
        self.close()
        remove(self.path)

    def sync(self) -> None:
        """Move what was written to its place; may take as long as the disk does, in any thread."""
        with sqlite3.connect(self.path) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        other.close()

    def number_of(self, changelog: str, partition: int) -> int:
        """Return by what number a changelog partition goes here."""
        where = (changelog, partition)
        self._db.execute("INSERT OR IGNORE INTO partitions (changelog, partition) VALUES (?, ?)", where)
        query = "SELECT number FROM partitions WHERE changelog = ? AND partition = ?"
        [(number,)] = self._db.execute(query, where)
        return int(number)

    def note(self, number: int) -> bytes | None:
        """Return what was noted of a partition last; None for nothing."""
        query = "SELECT note, checksum FROM partitions WHERE number = ?"
        [(note, checksum)] = self._db.execute(query, (number,))
        return None if note is None else _checked(note, checksum)

    def partitions(self) -> list[tuple[int, str, int, bytes | None]]:
        """Return number, changelog, partition and note of each partition that there has been; unchecked."""
        return list(self._db.execute("SELECT number, changelog, partition, note FROM partitions"))

    def delete_some(self, number: int, limit: int) -> bool:
        """Delete so many records of a partition, and its note first; tell whether any were left."""
        self.write_note(number, None)
        query = """
            DELETE FROM records WHERE number = ? AND key IN (SELECT key FROM records WHERE number = ? LIMIT ?)
        """
        return self._db.execute(query, (number, number, limit)).rowcount > 0

    def write_note(self, number: int, note: bytes | None) -> None:
        """Note this of a partition."""
        values = note, crc32c(note or b""), number
        self._db.execute("UPDATE partitions SET note = ?, checksum = ? WHERE number = ?", values)

    def clear(self, number: int) -> None:
        """Delete all records of a partition, and its note."""
        self.write_note(number, None)
        self._db.execute("DELETE FROM records WHERE number = ?", (number,))

    def get(self, number: int, key: bytes) -> bytes:
        """Return the value of a key; raise KeyError if there is none."""
        query = "SELECT value, checksum FROM records WHERE number = ? AND key = ?"
        row = self._db.execute(query, (number, key)).fetchone()
        if row is None:
            raise KeyError(key)
        return _checked(*row)

    def has_any(self, number: int, prefix: bytes) -> bool:
        """Tell whether there are records whose key begins like this."""
        query = "SELECT key FROM records WHERE number = ? AND key >= ? ORDER BY key LIMIT 1"
        row = self._db.execute(query, (number, prefix)).fetchone()
        return row is not None and row[0].startswith(prefix)

    def items(self, number: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield the records of a partition."""
        query = "SELECT key, value, checksum FROM records WHERE number = ?"
        for key, value, checksum in self._db.execute(query, (number,)):
            yield key, _checked(value, checksum)

    def write(self, number: int, records: Iterable[ChangelogRecord]) -> None:
        """Write records in one transaction; None deletes a key."""
        written = [(number, key, value, crc32c(value)) for key, value in records if value is not None]
        deleted = [(number, key) for key, value in records if value is None]
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", written)
            self._db.executemany("DELETE FROM records WHERE number = ? AND key = ?", deleted)


def remove(path: Path) -> None:
    """Remove a file of records, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def _checked(value: bytes, checksum: int) -> bytes:
    if crc32c(value) != checksum:
        raise sqlite3.DatabaseError(f"checksum of a value is {crc32c(value)}; expected {checksum}")
    return value
