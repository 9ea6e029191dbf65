"""Half a character in an event: sinks store the event, as tables count it; its text has U+FFFD there."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson
import pytest
from sinks.sink_records import a_record

from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.types import TopicPartition
from dataflow.sinks.contract import SinkBatch, convert, rejection
from dataflow.sinks.csv import CsvSink
from dataflow.sinks.csv_files import Rotation
from dataflow.sinks.opensearch.documents import compile_documents
from dataflow.sinks.postgres.rows import compile_rows
from dataflow.sinks.postgres.tables import TABLES

EVENT = (
    b'{"device_id":"half \\ud83d","event_type":"REVENUE","created_on":"2026-01-31T12:00:00Z","x":"\\udc00"}'
)
BATCH = SinkBatch(TopicPartition("analytics-events", 0), [a_record(7, EVENT)], 8)
HALF = "half \N{REPLACEMENT CHARACTER}"


def text_of(folder: Path) -> str:
    """Return the content of all files."""
    return "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


async def test_csv_stores_it(tmp_path: Path):
    """It became a dead letter of an event that was counted: a replay would have counted it twice."""
    sink = CsvSink(tmp_path, Rotation(1 << 20, 3_600_000))
    assert await sink.write(BATCH) == BATCH.stored([])
    await sink.release(BATCH.tp)
    await sink.close()
    assert HALF in text_of(tmp_path)


def test_postgres_stores_it():
    """Also if the half stands in a field without a column."""
    [table] = [table for table in TABLES if table.topic == BATCH.tp.topic]
    [(_, values)], rejected = convert(BATCH.records, compile_rows(table))
    assert (HALF in values, rejected) == (True, [])


def test_opensearch_stores_it():
    """The document is JSON that any parser reads."""
    [document], rejected = compile_documents(BATCH.tp.topic, "events")(BATCH, topic=BATCH.tp.topic)
    source = orjson.loads(document.lines.splitlines()[1])
    assert (source["device_id"], rejected) == (HALF, [])


def test_parquet_stores_it():
    """Columns are text of UTF-8, which has no half of a character."""
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from dataflow.sinks.s3.parquet import Parquet

    line_of = partial(Parquet([BATCH.tp.topic]).line_of, BATCH.tp.topic, at_ms=0)
    [line], rejected = convert(BATCH.records, line_of)
    assert (b'"half \\ufffd"' in line, rejected) == (True, [])


def refuse(record: object) -> object:
    """Refuse any record."""
    raise InvalidEvent(Reason.NOT_JSON, "no")


@pytest.mark.parametrize("make", [refuse, lambda record: rejection(record, "no")])
def test_a_dead_letter_has_what_was_sent(make: Callable[[object], object]):
    """Whether we refuse the event, or the system does: a replay sends the exact bytes."""
    made, rejected = convert([a_record(7, EVENT[:-1] + b',"y":"\\ud800"}')], make)
    assert [each.record.value for each in (*made, *rejected)] == [EVENT[:-1] + b',"y":"\\ud800"}']
