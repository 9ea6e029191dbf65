"""A sink of one's own: stores the records of a topic in SQLite, each once.

    python -m examples.sqlite_sink orders-marked orders.db

As a part of Dataflow it would be the file `dataflow/sinks/sqlite.py`, with a function `configured(settings)`.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from mode import Worker

from dataflow.errors import InvalidEvent, Reason, SinkUnavailable
from dataflow.kafka.record import Record
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, convert
from dataflow.sinks.runner import SinkRunner
from examples.standalone import CONNECTION

TABLE = """
CREATE TABLE IF NOT EXISTS records (
    topic TEXT, partition INTEGER, record_offset INTEGER, value TEXT,
    PRIMARY KEY (topic, partition, record_offset)
) WITHOUT ROWID
"""
INSERT = "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?)"  # a batch may come again after a crash


class SqliteSink(Sink):
    """Stores values as text; a record without a value, or not in UTF-8, is a dead letter."""

    def __init__(self, topic: str, file: Path) -> None:
        self.name, self.topics = "sqlite", (topic,)
        self._file = file

    async def open(self) -> None:
        """Create the table."""
        await asyncio.to_thread(self._execute, TABLE, [()])

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store a batch in one transaction."""
        topic, partition = batch.tp
        rows, rejected = convert(
            batch.records, lambda record: (topic, partition, record.offset, text_of(record))
        )
        await asyncio.to_thread(self._execute, INSERT, rows)
        return batch.stored(rejected)

    def _execute(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            with closing(sqlite3.connect(self._file)) as database, database:
                database.executemany(statement, rows)
        except sqlite3.Error as error:  # a full disk or a lock: the batch comes again
            raise SinkUnavailable(f"SQLite: {self._file}: {error}") from error


def text_of(record: Record) -> str:
    """Return the value of a record as text; raise `InvalidEvent` for one that is none."""
    try:
        return (record.value or b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(Reason.WRONG_TYPE, f"value is not UTF-8: {error}") from error


def main() -> None:
    """Store the records of a topic until Ctrl-C."""
    topic, file = sys.argv[1:]
    options = RunnerOptions("examples", CONNECTION)
    Worker(SinkRunner(SqliteSink(topic, Path(file)), options), loglevel="info").execute_from_commandline()


if __name__ == "__main__":
    main()
