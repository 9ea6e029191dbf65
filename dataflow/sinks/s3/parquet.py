"""Parquet: writes records as rows of typed columns."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

import pyarrow.parquet as pq

from dataflow.kafka.record import Record
from dataflow.sinks.json_line import one_line
from dataflow.sinks.s3.columns import ParquetColumns, Row

ROWS_AT_ONCE = 10_000  # a row group; its rows are held in memory


class Parquet:
    """A row for each record: its origin, its time, and the fields of its topic's model."""

    suffix = ".parquet"
    media_type = "application/vnd.apache.parquet"

    def __init__(self, topics: Iterable[str]) -> None:
        self._columns = {topic: ParquetColumns(topic) for topic in topics}

    def line_of(self, topic: str, record: Record, at_ms: int) -> bytes:
        """Return origin, time and value in one line; raise `InvalidEvent` if a field has another type."""
        self._columns[topic].row_of(record.value)
        assert record.value is not None
        return b"%d %d %d %b\n" % (record.offset, record.timestamp, at_ms, one_line(record.value))

    def encode(self, topic: str, pieces: Iterable[bytes], out: IO[bytes]) -> None:
        """Write the file, one row group after another."""
        columns = self._columns[topic]
        with pq.ParquetWriter(out, columns.schema, compression="zstd") as writer:
            lines = _lines(pieces)
            while rows := [_row_of(columns, line) for line in islice(lines, ROWS_AT_ONCE)]:
                writer.write_batch(columns.batch_of(rows), row_group_size=ROWS_AT_ONCE)


def _row_of(columns: ParquetColumns, line: bytes) -> Row:
    offset, arrived_ms, at_ms, raw = line.split(b" ", 3)
    return (int(offset), int(arrived_ms), int(at_ms), *columns.row_of(raw))


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        *lines, left = (left + piece).split(b"\n")
        yield from lines
