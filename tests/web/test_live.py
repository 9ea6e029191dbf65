"""Live answers over HTTP: what a page hears of the addresses that it names."""

import json
from http.client import HTTPConnection

import pytest
from harness.workers import Worker

from dataflow.web.live_answers import MOST_ANSWERS

TABLE = "tables/stays_per_category?window=all"


def events_of(worker: Worker, of: str) -> list[tuple[str, dict]]:
    """Return the events of a stream of two seconds: their names, and what they hold."""
    body = worker.get(f"/live?seconds=2&of={of.replace(' ', '%20').replace('&', '%26')}").body.decode()
    events = [event.split("\n") for event in body.split("\n\n") if event.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def test_each_address_is_answered_as_if_it_were_asked(worker: Worker):
    """And beats say that the worker lives, also while nothing changes."""
    events = events_of(worker, f"streams /{TABLE} {TABLE}&top=1")
    answers = {content["of"]: content for name, content in events if name == "answer"}
    assert answers["/" + TABLE]["answer"] == worker.get("/" + TABLE).json
    assert len(answers[f"{TABLE}&top=1"]["answer"]["windows"][0]["entries"]) == 1
    assert answers["streams"]["answer"]["streams"] == worker.get("/streams").json["streams"]
    beats = [content for name, content in events if name == "beat"]
    assert len(beats) >= 2
    assert beats[-1] == {"not_ready": None, "waiting": []}


@pytest.mark.parametrize(
    ("address", "status", "error"),
    [
        ("/nope", 404, "address is '/nope'; expected one whose answer is JSON"),
        ("/metrics", 404, "address is '/metrics'; expected one whose answer is JSON"),
        ("/ingest", 404, "address is '/ingest'; expected one whose answer is JSON"),
        ("//evil.example/streams", 404, "expected one whose answer is JSON"),
        ("/tables/nope", 404, "table is 'nope'; expected "),
        ("/tables?top=3", 400, "parameter is 'top'; expected none here"),
        ("/_process", 403, "only other workers may ask this"),
    ],
)
def test_an_address_that_is_refused_says_why_and_holds_up_no_other(
    worker: Worker, address: str, status: int, error: str
):
    """Each has its own status: a page shows what there is."""
    events = events_of(worker, f"{address} streams")
    answers = {content["of"]: content for name, content in events if name == "answer"}
    assert answers[address]["status"] == status
    assert error in answers[address]["answer"]["error"]
    assert answers["streams"]["status"] == 200


@pytest.mark.parametrize("of", ["", "+", "a%20" * 25])
def test_no_address_and_too_many_are_refused(worker: Worker, of: str):
    """Before a stream begins."""
    reply = worker.get(f"/live?of={of}")
    assert reply.status == 400
    assert "expected 1 to 24 addresses" in reply.json["error"]


def test_a_head_does_not_wait_for_the_end(worker: Worker):
    """Probes ask like this."""
    connection = HTTPConnection(worker.host, worker.port, timeout=30)
    connection.request("HEAD", "/live?of=/streams&seconds=3600")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    assert response.headers["Content-Type"] == "text/event-stream"
    connection.close()


def test_streams_of_ever_other_addresses_are_refused_before_they_begin(worker: Worker):
    """Each address costs memory and questions; what others look at already costs nothing more."""
    streams = [HTTPConnection(worker.host, worker.port, timeout=60) for _ in range(MOST_ANSWERS // 20 + 1)]
    try:
        for number, stream in enumerate(streams):
            of = "%20".join(f"{TABLE}%26top={1 + each}%26limit={number + 1}" for each in range(20))
            stream.request("GET", f"/live?of={of}")
        statuses = [stream.getresponse().status for stream in streams]
        assert statuses == [200] * (MOST_ANSWERS // 20) + [429]
        assert events_of(worker, f"{TABLE}&top=1&limit=1")[0][1]["status"] == 200
    finally:
        for stream in streams:
            stream.close()
