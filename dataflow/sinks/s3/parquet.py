"""Parquet: writes records as rows of typed columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import Field
from dataflow.engine.decoding import compile_decoder
from dataflow.errors import InvalidEvent, Misconfigured, Reason
from dataflow.kafka.record import Record
from dataflow.sinks.contract import one_line

ROWS_AT_ONCE = 10_000  # a row group; its rows are held in memory

Row = tuple[object, ...]
Convert = Callable[[object], object]

# Where every record came from, and its time: event time where there is one, else that of arrival.
ORIGIN = (("kafka_offset", pa.int64()), ("kafka_timestamp", pa.timestamp("ms", "UTC")))
EVENT_TIME = ("event_time", pa.timestamp("ms", "UTC"))


class ParquetColumns:
    """The fields of one topic's model; those that it does not know are left out."""

    def __init__(self, topic: str) -> None:
        declared = TOPICS.get(topic)
        if declared is None or declared.record is None:
            known = sorted(name for name, topic in TOPICS.items() if topic.record)
            raise Misconfigured(f"topic {topic} has no columns for Parquet; expected {', '.join(known)}")
        self.names = list(declared.fields)
        kinds = [_kind_of(field) for field in declared.fields.values()]
        self.schema = pa.schema(
            [*ORIGIN, EVENT_TIME, *((name, kind) for name, (kind, _) in zip(self.names, kinds, strict=True))]
        )
        self._converts = [(at, convert) for at, (_, convert) in enumerate(kinds) if convert]
        self._decoder = compile_decoder(declared.record, self.names)
        self._values_of = attrgetter(*self.names)

    def row_of(self, raw: bytes | None) -> Row:
        """Return the values of an event as its columns take them; raise `InvalidEvent` if one does not."""
        values = list(self._values_of(self._decoder.read(raw)))
        for at, convert in self._converts:
            if values[at] is not None:
                values[at] = self._fitting(at, convert, values[at])
        return tuple(values)

    def _fitting(self, at: int, convert: Convert, value: object) -> object:
        try:
            return convert(value)
        except (ValueError, OverflowError) as error:
            expected = self.schema.field(self.names[at]).type
            raise InvalidEvent(
                Reason.WRONG_TYPE, f"{self.names[at]} is {str(value)[:100]!r}; expected {expected}"
            ) from error

    def batch_of(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Return rows, each with its origin and time in front, as columns."""
        columns: Iterable[Row] = zip(*rows, strict=True)
        return pa.record_batch(
            [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)],
            schema=self.schema,
        )


def _kind_of(field: Field) -> tuple[pa.DataType, Convert | None]:
    """Return the type of a column, and how values come into it if not by themselves."""
    known: Mapping[frozenset[object], tuple[pa.DataType, Convert | None]] = {
        frozenset([str]): (pa.string(), None),
        frozenset([bool]): (pa.bool_(), None),
        frozenset([int]): (pa.int64(), _whole),
        frozenset([str, int]): (pa.int64(), _whole),  # numbers that are sent as text
        frozenset([float]): (pa.float64(), _real),
        frozenset([int, float]): (pa.float64(), _real),
        frozenset([str, float]): (pa.float64(), _real),
    }
    return known.get(field.types, (pa.string(), _text))


def _whole(value: object) -> int:
    number = int(str(value))
    if not -(2**63) <= number < 2**63:
        raise ValueError("beyond 64 bits")
    return number


def _real(value: object) -> float:
    return float(str(value))


def _text(value: object) -> str:
    # Not by orjson: it refuses whole numbers beyond 64 bits, which any sender may write.
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


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
