"""The archive as Parquet: typed columns by the models of the topics."""

import io
from datetime import UTC, datetime

import orjson
import pytest
from sinks.sink_records import a_record

from dataflow.catalogue.declared import TOPICS
from dataflow.errors import InvalidEvent, Misconfigured, Reason

pa = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")

import pyarrow.parquet as pq  # noqa: E402  # only where there is one

from dataflow.sinks.s3.parquet import Parquet, ParquetColumns  # noqa: E402

VIEWS = "enriched-web-events"
AT_MS = 1_790_000_000_000


def a_file(topic: str, *values: bytes, cut: int = 50) -> bytes:
    """Return the file of some records, its lines cut into pieces anywhere."""
    made = Parquet((topic,))
    lines = b"".join(made.line_of(topic, a_record(n, raw, AT_MS), AT_MS + n) for n, raw in enumerate(values))
    out = io.BytesIO()
    made.encode(topic, [lines[at : at + cut] for at in range(0, len(lines), cut)], out)
    return out.getvalue()


def test_columns_have_types_and_tell_the_origin():
    """Numbers that are sent as text are numbers; an absent field is null."""
    value = (
        b'{"event_id": "x", "geo_latitude": "53.5",\n "referer_url_port": "80", "device_is_mobile": false}'
    )
    (row,) = pq.read_table(io.BytesIO(a_file(VIEWS, value))).to_pylist()
    expected = {
        "kafka_offset": 0,
        "kafka_timestamp": datetime.fromtimestamp(AT_MS / 1000, UTC),
        "event_time": datetime.fromtimestamp(AT_MS / 1000, UTC),
        "event_id": "x",
        "geo_latitude": 53.5,
        "referer_url_port": 80,
        "device_is_mobile": False,
    }
    assert {name: value for name, value in row.items() if value is not None} == expected


def test_the_file_does_not_depend_on_the_pieces():
    """A replay gathers the same lines in other batches."""
    values = [orjson.dumps({"event_id": str(n)}) for n in range(200)]
    assert a_file(VIEWS, *values, cut=7) == a_file(VIEWS, *values, cut=10**6)


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (VIEWS, {"geo_latitude": "north"}),
        (VIEWS, {"event_id": 7}),
        ("expedia_test", {"hotel_id": 2**63, "stay_category": "Short stay"}),
        ("access-logs-parsed", {"status": "200"}),
    ],
)
def test_what_does_not_fit_its_column_is_refused(topic, value):
    """One wrong value would spoil a file of a hundred thousand rows."""
    with pytest.raises(InvalidEvent) as raised:
        Parquet((topic,)).line_of(topic, a_record(0, orjson.dumps(value)), 0)
    assert raised.value.reason is Reason.WRONG_TYPE


@pytest.mark.parametrize("number", [2**64, -(10**30), int("9" * 300)])
def test_a_number_of_any_size_is_a_text_where_its_field_may_be_one(number: int):
    """One CDN line with such a number ended the worker, and so did each restart: its record came again."""
    (row,) = pq.read_table(io.BytesIO(a_file("cdn-logs-filtered", b'{"cp": %d}' % number))).to_pylist()
    assert row["cp"] == str(number)


def test_what_is_no_scalar_is_json_in_a_text():
    """The way of a CDN request is a list of places."""
    (row,) = pq.read_table(
        io.BytesIO(a_file("cdn-logs-parsed", b'{"breadcrumbs": [{"ip": "10.0.0.1", "dns_ms": 3}]}'))
    ).to_pylist()
    assert row["breadcrumbs"] == '[{"ip":"10.0.0.1","dns_ms":3}]'


@pytest.mark.parametrize("topic", [name for name, topic in TOPICS.items() if topic.record])
def test_every_field_of_a_model_is_a_column(topic):
    """A field that a model gains is in the archive from then on."""
    assert ParquetColumns(topic).schema.names[3:] == list(TOPICS[topic].record._options.fields)


def test_a_topic_without_a_model_has_no_columns():
    """It is told at start, and not by the first record."""
    with pytest.raises(
        Misconfigured, match="topic dead-letters has no columns for Parquet; expected access-"
    ):
        Parquet(("dead-letters",))
