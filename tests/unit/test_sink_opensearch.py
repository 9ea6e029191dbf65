"""What goes to OpenSearch: documents, and the names of their indices."""

import json
from functools import partial

import orjson
import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from sinks.sink_records import a_record, a_view

from dataflow.catalogue.topic import DAY_MS
from dataflow.errors import Misconfigured, Reason
from dataflow.sinks.contract import SinkBatch
from dataflow.sinks.opensearch.documents import BULK_BYTES, BulkDocument, bulks, compile_documents, place_of
from dataflow.sinks.opensearch.indices import index_name, read_indices
from dataflow.sinks.opensearch.mapping import index_template, known_fields

TP = TopicPartition("enriched-web-events", 3)
documents_of = partial(compile_documents(TP.topic, "web-events"), topic=TP.topic)
NOON = 1_790_000_000_000  # 2026-09-21


def the_document(value: bytes, timestamp: int = NOON) -> tuple[object, object]:
    """Return action and source of a record at offset 7."""
    ((document,), _) = documents_of(SinkBatch(TP, [a_record(7, value, timestamp)], 8))
    action, source = document.lines.splitlines()
    return orjson.loads(action), orjson.loads(source)


def test_a_document_is_named_by_its_origin_in_the_index_of_its_day():
    """The day of the event, not that of its arrival; what was sent, its time and its place."""
    value = a_view(1, "2026-09-20 23:59:59.999000", geo_latitude="53.53", geo_longitude="43.67")
    assert the_document(value) == (
        {"create": {"_index": "web-events-2026.09.20", "_id": "enriched-web-events-3-7"}},
        {
            **orjson.loads(value),
            "@timestamp": "2026-09-20T23:59:59.999Z",
            "location": {"lat": 53.53, "lon": 43.67},
        },
    )


def test_a_document_is_one_line():
    """A line feed between fields would end the source, and upset the request for everybody."""
    _, source = the_document(b'{\n "event_id": "1",\r\n "location": [\n3]\n}\n')
    assert source == {"event_id": "1", "other": {"location": [3]}, "@timestamp": "2026-09-21T14:13:20.000Z"}


def test_fields_under_our_names_are_kept_beside_ours():
    """Twice the same field is an error to the server."""
    _, source = the_document(b'{"@timestamp": "never", "other": 1}')
    assert source == {
        "@timestamp": "2026-09-21T14:13:20.000Z", "other": {"@timestamp": "never", "other": 1},
    }  # fmt: skip


def test_fields_that_are_not_known_are_in_one_as_they_were_sent():
    """Each would be a field of the index, which takes a thousand: 960 of one event made all others fail."""
    many = ", ".join(f'"field_{n}": {n}.50' for n in range(960))
    value = f'{{"a.b": {{"c": 1e2}}, "event_id": "1", {many}, "": null}}'.encode()
    ((document,), _) = documents_of(SinkBatch(TP, [a_record(7, value)], 8))
    assert b'"field_959": 959.50' in document.source  # no digit is lost
    source = orjson.loads(document.source)
    assert source.keys() == {"event_id", "@timestamp", "other"}
    assert source["other"] == {k: v for k, v in json.loads(value).items() if k != "event_id"}


def test_a_field_that_is_not_known_and_too_long_to_be_searched_is_kept_as_text():
    """Lucene takes no such term, and would refuse the whole document."""
    long = "x" * 8_200
    _, source = the_document(orjson.dumps({"event_id": "1", "short": 1, "long": {"a": long}}))
    assert source["other"] == {"short": 1}
    assert orjson.loads(source["unindexed"]) == {"long": {"a": long}}


@pytest.mark.parametrize("topic", ["nobody-declared-it", "access-logs"])
def test_a_topic_without_a_record_has_all_its_fields_in_one(topic):
    """They can be found there, whatever they are."""
    ((document,), _) = compile_documents(topic, "x")(
        SinkBatch(TopicPartition(topic, 0), [a_record(0, b'{"a": 1}'), ], 1), topic
    )  # fmt: skip
    assert orjson.loads(document.source)["other"] == {"a": 1}
    assert known_fields(topic) == frozenset()


def test_as_a_text_nothing_of_an_event_can_be_refused():
    """Neither by a mapping nor by a pipeline; id and index are the same."""
    value = '{"os": {"a": "ü\\u0000"}, "os": 1}'.encode()
    ((document,), _) = documents_of(SinkBatch(TP, [a_record(7, value)], 8))
    action, source = map(orjson.loads, document.as_text().lines.splitlines())
    assert action == {"create": {**document.target, "pipeline": "_none"}}
    assert source == {"@timestamp": "2026-09-21T14:13:20.000Z", "unindexed": value.decode()}


def test_what_is_no_json_never_reaches_the_server():
    """It would be told as a fault of the whole request."""
    documents, rejected = documents_of(SinkBatch(TP, [a_record(7, b'{"a":'), a_record(8, b"{}")], 9))
    assert [document.record.offset for document in documents] == [8]
    assert [(one.record.offset, one.fault.reason) for one in rejected] == [(7, Reason.NOT_JSON)]


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        ("90", "-180", {"lat": 90.0, "lon": -180.0}),
        (0, 0.5, {"lat": 0.0, "lon": 0.5}),
        ("90.1", "0", None),
        ("0", "180.1", None),
        (None, "0", None),
        ("", "", None),
        ("nan", "0", None),
        ([1], {}, None),
    ],
)
def test_a_place_is_on_earth(latitude, longitude, place):
    """A server refuses documents with others; the page view is worth more than its place."""
    assert place_of(latitude, longitude) == place


@given(st.lists(st.integers(1, BULK_BYTES + 9), max_size=12))
def test_requests_are_bounded_and_leave_nothing_out(sizes):
    """A single large document goes by itself."""
    documents = [BulkDocument(a_record(n, b""), {}, bytes(size)) for n, size in enumerate(sizes)]
    found = list(bulks(documents))
    assert [document for bulk in found for document in bulk] == documents
    for bulk in found:
        assert len(bulk) == 1 or sum(len(document.lines) for document in bulk) <= BULK_BYTES


@pytest.mark.parametrize(
    ("days", "index"),
    [
        (-1, "x-2026.09.22"),
        (0, "x-2026.09.21"),
        (7, "x-2026.09.14"),
        (8, "x-2026.09"),
        (365, "x-2025.09"),
        (1_098, "x-2023.09"),
        (1_099, "x-overflow"),
        (20_000, "x-overflow"),
    ],
)
def test_an_event_has_an_index_by_how_late_it_came(days, index):
    """Of its day, of its month, or that of all others."""
    assert index_name("x", NOON - days * DAY_MS, NOON) == index


@given(st.lists(st.integers(-(2**62), 2**62)), st.integers(0, 2**40))
def test_whatever_times_events_have_their_indices_are_few(times, arrived):
    """A thousand days fill the shards of a cluster; a time that no calendar has is no bug either."""
    every_day = [arrived - day * DAY_MS for day in range(-400, 4_000)]
    values = [orjson.dumps({"event_timestamp": time}) for time in times] + [
        a_view(0, f"{1900 + n % 200}-{n % 12 + 1:02}-01 00:00:00") for n in range(400)
    ]
    documents, _ = documents_of(SinkBatch(TP, [a_record(n, v, arrived) for n, v in enumerate(values)], 9))
    named = {document.target["_index"] for document in documents}
    named |= {index_name("web-events", at, arrived) for at in every_day if at <= arrived + DAY_MS}
    assert len(named) <= 9 + 38 + 1


@pytest.mark.parametrize("timestamp", [-1, 0, 2**62])
def test_a_record_whose_timestamp_no_calendar_has_is_stored(timestamp):
    """Its producer chose it: it must not end the worker."""
    action, _ = the_document(b"{}", timestamp)
    assert action["create"]["_index"] in ("web-events-1970.01.01", "web-events-9999.12.31")


@pytest.mark.parametrize("declared", ["topic", "topic=", "=prefix", "topic=Upper", "topic=_x", "topic=a b"])
def test_an_impossible_index_is_told_at_start(declared):
    """And not by the first record."""
    with pytest.raises(Misconfigured, match="expected topic=prefix"):
        read_indices([declared])


def test_indices_are_read():
    """A prefix for each topic."""
    assert read_indices(["a=x", "b=y-1"]) == {"a": "x", "b": "y-1"}


def test_a_template_has_every_field_of_its_records_and_no_document_adds_one():
    """What is not in it is in one field, so that the limit of fields is never reached."""
    topics = ["enriched-web-events", "cdn-logs-parsed"]
    for topic in topics:
        mappings = index_template("x", [topic])["template"]["mappings"]
        assert mappings["dynamic"] is False
        assert mappings["properties"].keys() > known_fields(topic) > {"country" if "cdn" in topic else "os"}
        assert len(mappings["properties"]) < 100


def test_a_template_precedes_those_that_a_server_brings_along_and_those_of_shorter_prefixes():
    """Two of one priority that fit one index are refused."""
    one, other = index_template("web", []), index_template("web-events", [])
    assert 200 < one["priority"] < other["priority"]


def test_two_topics_of_one_prefix_whose_fields_differ_are_refused():
    """One index has one type for a name; the words say which, and what to do."""
    with pytest.raises(
        Misconfigured, match="field bytes of topic cdn-logs-parsed is long in OpenSearch; exp"
    ):
        index_template("x", ["cdn-logs-filtered", "cdn-logs-parsed"])
