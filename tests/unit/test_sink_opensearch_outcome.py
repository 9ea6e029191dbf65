"""What the answers of OpenSearch mean for a document."""

import pytest
from opensearchpy import TransportError
from sinks.sink_records import a_record

from dataflow.errors import InvalidEvent, SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.client import SearchClient
from dataflow.sinks.opensearch.documents import BulkDocument
from dataflow.sinks.opensearch.outcome import Fate, outcome_of, words_of
from dataflow.sinks.opensearch.server import Server, translate_errors
from dataflow.sinks.opensearch.sink import next_try

SENT = BulkDocument(
    a_record(1, b'{"a":1}'), {"_index": "web-events-2026.09.21", "_id": "t-0-1"}, b"{}", "now"
)


@pytest.mark.parametrize(
    ("status", "kind", "fate"),
    [
        (201, None, Fate.STORED),
        (200, None, Fate.STORED),
        (409, "version_conflict_engine_exception", Fate.STORED),
        (400, "mapper_parsing_exception", Fate.REJECTED),
        (400, "illegal_argument_exception", Fate.REJECTED),
        (400, "validation_exception", Fate.RETRY),
        (400, "index_closed_exception", Fate.CLOSED),
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


def test_a_pipeline_that_is_not_there_is_waited_for():
    """The server calls it a wrong argument, as it does much that is the document's fault."""
    missing = {"type": "illegal_argument_exception", "reason": "pipeline with id [x] does not exist"}
    assert outcome_of(400, missing).fate is Fate.RETRY


def test_a_document_that_is_refused_goes_again_as_text():
    """All of it is kept, and can be found by its time."""
    refused = outcome_of(400, {"type": "mapper_parsing_exception", "reason": "failed"})
    assert next_try(SENT, refused) == SENT.as_text()


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        ("mapper_parsing_exception", False),
        ("document_parsing_exception", False),
        ("strict_dynamic_mapping_exception", False),
        ("illegal_argument_exception", True),
        ("one_that_we_do_not_know", True),
    ],
)
def test_a_text_is_refused_for_good_only_by_a_mapping(kind, waits):
    """Where the harmless document is refused, as by an alias without a write index, a person has to act."""
    text = SENT.as_text()
    assert next_try(text, outcome_of(400, {"type": kind, "reason": "no"})) is (text if waits else None)


def test_the_day_of_a_closed_index_goes_where_the_others_are():
    """It must not hold up other days; where that one is closed, too, a person has to act."""
    closed = outcome_of(400, {"type": "index_closed_exception", "reason": "closed"})
    moved = next_try(SENT, closed)
    assert moved is not None
    assert moved.target == {"_index": "web-events-overflow", "_id": "t-0-1"}
    assert next_try(moved, closed) is moved


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("explicit index in bulk is not allowed", SinkUnavailable), ("it breaks off", InvalidEvent)],
)
async def test_a_request_that_no_document_can_mend_is_waited_for(reason, expected):
    """Each document would be refused alone, and be a dead letter."""
    answer = {"error": {"type": "illegal_argument_exception", "reason": reason}}
    with pytest.raises(expected, match=reason):
        async with translate_errors():
            raise TransportError(400, "illegal_argument_exception", answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "down for repair",
        {},
        [],
        {"items": None},
        {"items": [{"create": {}}]},
        {"items": [{"create": 1}]},
    ],
)
async def test_what_is_no_answer_to_a_bulk_request_is_an_outage(monkeypatch, answer: object):
    """The page of a proxy, with status 200, ended the worker."""

    async def bulk(*_: object) -> object:
        return answer

    monkeypatch.setattr(SearchClient, "bulk", bulk)
    server = Server(Settings(opensearch_url="http://127.0.0.1:9"))  # type: ignore[arg-type]  # as its variable
    with pytest.raises(SinkUnavailable, match="answer is none to a bulk request"):
        await server.store([SENT])


def test_the_words_are_the_server_s():
    """With the deepest cause, which is what tells the field's value."""
    cause = {"reason": "outer", "caused_by": {"reason": "not a number"}}
    error = {"type": "mapper_parsing_exception", "reason": "failed", "caused_by": cause}
    assert words_of(400, error) == "mapper_parsing_exception: failed; not a number"
    assert words_of(503, "") == "503: no answer in time"
