"""What goes to OpenSearch, and what its answers mean."""

import orjson
import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from sinks.sink_records import a_record, a_view

from dataflow.errors import Misconfigured, Reason
from dataflow.sinks.contract import SinkBatch
from dataflow.sinks.opensearch.documents import BULK_BYTES, BulkDocument, bulks, compile_documents, place_of
from dataflow.sinks.opensearch.indices import index_name, read_indices
from dataflow.sinks.opensearch.server import Fate, outcome_of

TP = TopicPartition("enriched-web-events", 3)
documents_of = compile_documents(TP.topic, "web-events")


def the_document(value: bytes) -> tuple[object, object]:
    """Return action and source of a record at offset 7."""
    ((document,), _) = documents_of(SinkBatch(TP, [a_record(7, value)], 8))
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
    _, source = the_document(b'{\n "event_id": "1",\r\n "location": 3\n}\n')
    assert source == {"event_id": "1", "location": 3, "@timestamp": "2026-09-21T14:13:20.000Z"}


def test_a_time_that_was_sent_under_our_name_is_replaced():
    """Twice the same field is an error to the server."""
    _, source = the_document(b'{"@timestamp": "never"}')
    assert source == {"@timestamp": "2026-09-21T14:13:20.000Z"}


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
    documents = [BulkDocument(a_record(n, b""), bytes(size)) for n, size in enumerate(sizes)]
    found = list(bulks(documents))
    assert [document for bulk in found for document in bulk] == documents
    for bulk in found:
        assert len(bulk) == 1 or sum(len(document.lines) for document in bulk) <= BULK_BYTES


@pytest.mark.parametrize(
    ("status", "kind", "fate"),
    [
        (201, None, Fate.STORED),
        (200, None, Fate.STORED),
        (409, "version_conflict_engine_exception", Fate.STORED),
        (400, "mapper_parsing_exception", Fate.REJECTED),
        (400, "illegal_argument_exception", Fate.REJECTED),
        (400, "validation_exception", Fate.RETRY),
        (401, "security_exception", Fate.RETRY),
        (403, "cluster_block_exception", Fate.RETRY),
        (404, "index_not_found_exception", Fate.RETRY),
        (429, "rejected_execution_exception", Fate.RETRY),
        (500, "exception", Fate.RETRY),
        (503, "unavailable_shards_exception", Fate.RETRY),
    ],
)
def test_only_what_is_a_fault_of_the_document_is_refused(status, kind, fate):
    """A cluster that is full, or a changed password, must not empty a topic into the dead letters."""
    assert outcome_of(status, {"type": kind, "reason": "why"}).fate is fate


def test_the_words_are_the_server_s():
    """With the cause, which is what tells the field's value."""
    error = {"type": "mapper_parsing_exception", "reason": "failed", "caused_by": {"reason": "not a number"}}
    assert outcome_of(400, error).words == "mapper_parsing_exception: failed; not a number"


@pytest.mark.parametrize("declared", ["topic", "topic=", "=prefix", "topic=Upper", "topic=_x", "topic=a b"])
def test_an_impossible_index_is_told_at_start(declared):
    """And not by the first record."""
    with pytest.raises(Misconfigured, match="expected topic=prefix"):
        read_indices([declared])


def test_indices_are_read():
    """A prefix for each topic."""
    assert read_indices(["a=x", "b=y-1"]) == {"a": "x", "b": "y-1"}
    assert index_name("x", 1_790_000_000_000) == "x-2026.09.21"
