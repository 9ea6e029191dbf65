"""CSV: one line an event, in files of RFC 4180; a column for each field of the topic's Record."""

import asyncio
from operator import attrgetter
from pathlib import Path

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.engine.decoding import compile_decoder
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition
from dataflow.settings import Settings
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, convert
from dataflow.sinks.csv_files import CsvFiles, CsvLine, Rotation
from dataflow.sinks.csv_lines import line_of, without_formula

HOUR_MS = 3_600_000


def configured(settings: Settings) -> "CsvSink | None":
    """Return the sink if the settings enable it."""
    if settings.csv_dir is None:
        return None
    rotation = Rotation(settings.csv_rotate_bytes, settings.csv_rotate_hours * HOUR_MS)
    return CsvSink(settings.csv_dir, rotation, escape_formulas=settings.csv_escape_formulas)


class CsvColumns:
    """The columns of one topic: all fields of its Record, in its order."""

    def __init__(self, topic: DeclaredTopic, *, escape_formulas: bool = True) -> None:
        assert topic.record is not None, topic.name
        names = list(topic.fields)
        self.header = line_of(names)
        self._read = compile_decoder(topic.record, reads=names).read
        self._values_of = [attrgetter(name) for name in names]
        self._escape = without_formula if escape_formulas else _as_it_is

    def line_of(self, record: Record) -> CsvLine:
        """Return the line of an event; raise `InvalidEvent` if it is none."""
        event = self._read(record.value)
        text = line_of(self._escape(value_of(event)) for value_of in self._values_of)
        return CsvLine(record.offset, record.timestamp, text)


class CsvSink(Sink):
    """Stores each event as one line, in files of its own for each partition."""

    name = "csv"

    def __init__(self, folder: Path, rotation: Rotation, *, escape_formulas: bool = True) -> None:
        self._folder, self._rotation = folder, rotation
        self._files: dict[TopicPartition, CsvFiles] = {}
        self._columns = {
            name: CsvColumns(topic, escape_formulas=escape_formulas)
            for name, topic in TOPICS.items()
            if topic.is_csv
        }
        self.topics = tuple(self._columns)

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Append the lines of the batch to the files of its partition."""
        files = self._files.get(batch.tp) or self._open(batch.tp)
        lines, rejected = convert(batch.records, self._columns[batch.tp.topic].line_of)
        await asyncio.to_thread(files.append, batch.records[0].offset, batch.end, lines, batch.topic_id)
        return batch.stored(rejected)

    def _open(self, tp: TopicPartition) -> CsvFiles:
        stem = f"{tp.topic}-{tp.partition}"
        self._files[tp] = CsvFiles(self._folder, stem, self._columns[tp.topic].header, self._rotation)
        return self._files[tp]

    async def release(self, tp: TopicPartition) -> None:
        """Release the files of the partition, so that another worker can continue them."""
        files = self._files.pop(tp, None)
        if files is not None:
            await asyncio.to_thread(files.close)


def _as_it_is(value: object) -> object:
    return value
