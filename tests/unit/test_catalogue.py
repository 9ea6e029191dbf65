"""The catalogue: what everybody derives of it is what stood in seventeen files before."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.catalogue.declared import INGESTED, RECEIVED_TOPICS, STREAMS, TOPICS, check, streams_named
from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.demo.generators.kinds import KINDS
from dataflow.engine.event_time import EventTime
from dataflow.engine.sibling_groups import group_of
from dataflow.errors import Misconfigured
from dataflow.rules.outputs import RESERVED
from dataflow.settings import Settings
from dataflow.sinks.csv import CsvColumns
from dataflow.sinks.opensearch.mapping import index_template
from dataflow.sinks.postgres.migrate import create_table, migrations
from dataflow.sinks.postgres.tables import TABLES, tables_of
from dataflow.stages.event_time import epoch_seconds_ms, iso_ms
from dataflow.topics import declared_topics
from models.booking import Booking
from models.cdn_log_entry import CdnLogEntry

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "recorded" / "streams.json").read_text())


def test_topics_are_those_that_were_recorded():
    """A running cluster has them: another partition count or retention would be a difference."""
    declared = declared_topics(Settings(app_id="recorded", partitions=7))
    assert RECORDED["topics"] == {
        topic.name: {"holds": topic.holds, "partitions": topic.partitions, "configs": dict(topic.configs)}
        for topic in declared
    }


def test_postgres_tables_are_those_that_were_recorded():
    """Each has the columns of the migrations."""
    assert RECORDED["postgres"] == {
        table.name: {
            "topic": table.topic,
            "time": table.time,
            "columns": dict(table.columns),
            "numbers": sorted(table.numbers),
        }
        for table in TABLES
    }


def test_migrations_are_those_that_were_recorded():
    """One that has been applied somewhere never changes."""
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in migrations().values()}
    assert RECORDED["migrations_sha256"] == digests


def test_the_opensearch_template_is_the_one_that_was_recorded():
    """Indices of one prefix have one mapping, whatever the day."""
    assert RECORDED["opensearch"] == index_template("web-events", ["enriched-web-events"])


def test_parquet_columns_are_those_that_were_recorded():
    """In their order and with their types: readers have schemas."""
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from dataflow.sinks.s3.parquet import ParquetColumns

    schemas = {name: ParquetColumns(name).schema for name, topic in TOPICS.items() if topic.record}
    assert RECORDED["parquet"] == {
        name: [[field.name, str(field.type)] for field in schema] for name, schema in schemas.items()
    }


def test_csv_headers_are_those_that_were_recorded():
    """A file that is there is continued."""
    headers = {name: CsvColumns(topic).header.decode() for name, topic in TOPICS.items() if topic.is_csv}
    assert RECORDED["csv_header"] == headers


def test_event_times_of_sinks_are_those_that_were_recorded():
    """By them objects and indices are cut."""
    forms = {iso_ms: "iso", epoch_seconds_ms: "epoch"}
    assert RECORDED["event_time"] == {
        name: [topic.event_time.column, forms[topic.event_time.parse]]
        for name, topic in TOPICS.items()
        if topic.event_time
    }


def test_who_may_send_is_what_was_recorded():
    """A sender's address and an input's memory stay where they are."""
    assert RECORDED["ingested"] == {
        name: {
            "topic": stream.topic,
            "is_json": stream.is_json,
            "is_datastream": stream.is_datastream,
            "keeps_sender": stream.keeps_sender,
            "number": stream.ingest_number,
        }
        for name, stream in INGESTED.items()
    }
    assert RECORDED["received_topics"] == sorted((*RECEIVED_TOPICS, DEAD_LETTERS.name))
    assert RECORDED["generators"] == {kind: stream.topic for kind, stream in KINDS.items()}
    assert RECORDED["sources"] == sorted(stream.topic for stream in STREAMS)
    assert RECORDED["not_for_rules"] == sorted(RESERVED)


def test_it_is_values_only():
    """Whoever asks what a stream is needs no app, no broker client and no settings."""
    code = "import sys, dataflow.catalogue.declared; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "dataflow.catalogue.streams.bookings" in loaded
    assert loaded.isdisjoint({"aiokafka", "dataflow.app", "dataflow.settings", "dataflow.engine.engine"})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"event_time": EventTime("when", iso_ms)},
            "event time of topic t names 'when'; expected a field of",
        ),
        (
            {"table": PostgresTable("t", without=("x",))},
            "table of topic t names 'x'; expected a field of Book",
        ),
        ({"index_types": {"x": "ip"}}, "index types of topic t names 'x'; expected a field of Booking: id, "),
        ({"record": None, "is_csv": True}, "topic t has no Record; expected one for its CSV file"),
    ],
)
def test_a_field_that_the_record_does_not_have_is_refused_at_declaration(wrong, message):
    """Else the first record would find it out."""
    with pytest.raises(Misconfigured, match=message):
        DeclaredTopic(**{"name": "t", "holds": "", "record": Booking} | wrong)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (Stream("a", DeclaredTopic("u", "")), "stream 'a' is declared 2 times"),
        (Stream("b", DeclaredTopic("t", "")), "topic 't' is declared 2 times"),
        (Stream("b", DeclaredTopic("u", ""), ingest_number=2), r"ingest numbers are \[0, 2\]; expected each"),
    ],
)
def test_two_streams_with_the_same_name_or_number_are_refused(second, message):
    """One of them would get the events of the other."""
    with pytest.raises(Misconfigured, match=message):
        check((Stream("a", DeclaredTopic("t", ""), ingest_number=0), second))


def test_a_table_needs_an_event_time_as_text():
    """Its rows are kept by the day."""
    topic = DeclaredTopic("t", "", Booking, table=PostgresTable("t"))
    with pytest.raises(Misconfigured, match="topic t has a table and no event time as text"):
        tables_of({"t": topic})


def test_a_column_of_no_scalar_is_refused():
    """A list of breadcrumbs is not to be asked for in SQL."""
    topic = DeclaredTopic("t", "", CdnLogEntry, EventTime("ts", iso_ms), table=PostgresTable("t"))
    (table,) = tables_of({"t": topic})
    with pytest.raises(Misconfigured, match="field breadcrumbs of CdnLogEntry is no scalar"):
        create_table(table)


def test_streams_are_chosen_by_their_names_or_source_topics():
    """`/streams` shows the one, `dataflow ingest` takes the other."""
    chosen = streams_named(["expedia", "cdn-logs", "bookings"])
    assert [stream.name for stream in chosen] == ["bookings", "cdn-logs"]
    assert streams_named([]) == ()


def test_a_stream_that_nobody_has_is_refused_with_those_that_there_are():
    """A typing error would leave a stream to nobody."""
    with pytest.raises(ValueError, match="some of access-logs, bookings, "):
        streams_named(["cdn-logs", "bookins"])


def test_each_set_of_streams_has_one_group():
    """In whatever order they are named; all streams are the group that there always was."""
    assert group_of("dataflow", []) == "dataflow"
    assert group_of("dataflow", ["web-events", "bookings"]) == "dataflow-streams-bookings.web-events"
