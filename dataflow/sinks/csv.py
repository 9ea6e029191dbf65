"""CSV: analytics events in, files of lines ``device_id,event_type,created_on`` out."""

import asyncio
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition

from dataflow.engine.decoding import compile_decoder
from dataflow.errors import InvalidEvent
from dataflow.settings import Settings
from dataflow.sinks.contract import Rejection, Sink, SinkBatch, WriteResult
from dataflow.sinks.csv_files import CsvFiles, CsvLine, Rotation
from dataflow.topics import ANALYTICS_EVENTS
from models.analytics_event import AnalyticsEvent

COLUMNS = ("device_id", "event_type", "created_on")
HOUR_MS = 3_600_000


def configured(settings: Settings) -> "CsvSink | None":
    """Return the sink that the settings ask for."""
    if settings.csv_dir is None:
        return None
    return CsvSink(settings.csv_dir, Rotation(settings.csv_rotate_bytes, settings.csv_rotate_hours * HOUR_MS))


class CsvSink(Sink):
    """Stores each event as one line, in files of its own for each partition."""

    name = "csv"
    topics = (ANALYTICS_EVENTS,)

    def __init__(self, folder: Path, rotation: Rotation) -> None:
        self._folder, self._rotation = folder, rotation
        self._files: dict[TopicPartition, CsvFiles] = {}
        self._read = compile_decoder(AnalyticsEvent, reads=COLUMNS).read

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Have the batch's lines on disk."""
        files = self._files.get(batch.tp) or self._take(batch.tp)
        lines, rejected = self._lines(batch.records)
        await asyncio.to_thread(files.append, batch.records[0].offset, batch.end, lines)
        return batch.stored(rejected)

    def _take(self, tp: TopicPartition) -> CsvFiles:
        stem = f"{tp.topic}-{tp.partition}"
        self._files[tp] = CsvFiles(self._folder, stem, line_of(COLUMNS), self._rotation)
        return self._files[tp]

    def _lines(self, records: Iterable[DefaultRecord]) -> tuple[list[CsvLine], list[Rejection]]:
        lines: list[CsvLine] = []
        rejected: list[Rejection] = []
        for record in records:
            try:
                event = self._read(record.value)
                text = line_of((event.device_id, event.event_type, event.created_on))
            except InvalidEvent as fault:
                rejected.append(Rejection(record, fault))
            else:
                lines.append(CsvLine(record.offset, record.timestamp, text))
        return lines, rejected

    async def release(self, tp: TopicPartition) -> None:
        """Let another worker go on with the partition's files."""
        files = self._files.pop(tp, None)
        if files is not None:
            await asyncio.to_thread(files.close)


def line_of(fields: Iterable[str]) -> bytes:
    """Return one line as RFC 4180 has it: CR LF at its end, quotes only where they are needed."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue().encode()
