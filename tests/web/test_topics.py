"""Topics over HTTP: a real broker's records, as they come, to those who look."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest
from harness.workers import Worker
from kafka_client import KafkaClient

TOPIC = "expedia_test"  # an output: what is sent there by hand is counted by nobody
DEADLINE_SECONDS = 60


@contextmanager
def followed(worker: Worker, topic: str) -> Iterator[HTTPResponse]:
    """Give the stream of a topic's events."""
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", f"/topics/{topic}/tail?seconds=60")
        yield connection.getresponse()
    finally:
        connection.close()


def sent(stream: HTTPResponse) -> Iterator[dict]:
    """Yield what comes, without signs of life."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        line = stream.readline()
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the deadline is over")


def test_an_event_is_seen_as_it_comes_whatever_its_bytes_are(worker, web_broker):
    """By all who look, a moment after it was written, and by who comes later."""
    kafka = KafkaClient(web_broker.address)
    with followed(worker, TOPIC) as first, followed(worker, TOPIC) as second:
        assert first.headers["Content-Type"] == "text/event-stream"
        assert first.headers["X-Content-Type-Options"] == "nosniff"
        next(sent(first))  # the newest of before
        kafka.produce(TOPIC, [b"\xff<script>"], keys=[b"\x00k"], headers=[("h", b"\xfe")], partition=1)
        for stream in (first, second):
            event = next(e for told in sent(stream) for e in told["events"] if "script" in e["value"]["text"])
            assert event["partition"] == 1
            assert event["value"] == {"text": "\\xff<script>", "kind": "bytes", "bytes": 9, "is_cut": False}
            assert event["key"]["text"] == "\x00k"
            assert event["headers"] == [
                ["h", {"text": "\\xfe", "kind": "bytes", "bytes": 1, "is_cut": False}]
            ]
    with followed(worker, TOPIC) as third:
        assert any("script" in e["value"]["text"] for told in sent(third) for e in told["events"])


def test_of_a_flood_only_the_newest_events_are_read_and_the_rest_is_counted(worker, web_broker):
    """A page can show a hundred a second; that must not cost what a million costs."""
    kafka = KafkaClient(web_broker.address)
    with followed(worker, TOPIC) as stream:
        next(sent(stream))
        kafka.produce(TOPIC, (b'{"flood": %d}' % n for n in range(40_000)), partition=2)
        seen = skipped = 0
        for told in sent(stream):
            texts = [event["value"]["text"] for event in told["events"]]
            skipped += told["skipped"]
            seen += len(texts)
            if '{"flood": 39999}' in texts:
                break
        assert seen + skipped >= 39_000  # what lies between transactions counts, too
        assert seen < 4_000


def test_the_topics_of_all_streams_can_be_looked_at(worker):
    """And what one has to be for that."""
    topics = {row["name"]: row for row in worker.get("/topics").json["topics"]}
    assert {"cdn-logs", "expedia", "expedia_ext", "raw-web-events"} <= topics.keys()
    assert (topics["expedia"]["kind"], topics["expedia_ext"]["kind"]) == ("source", "output")
    assert topics["dead-letters"]["role"] == "edit"


@pytest.mark.parametrize("path", ["/topics/expedia/tail", "/topics"])
def test_a_head_is_answered_at_once(worker, path):
    """Monitors ask so."""
    assert worker.get(path, "HEAD").status == 200


def test_workers_say_who_has_which_partitions(worker):
    """All of them, how far they are, and when the last checkpoint was."""
    answer = worker.get("/workers").json
    [one] = answer["workers"]
    assert (one["url"], one["not_ready"], one["engine"]["state"]) == (worker.url, None, "running")
    assert answer["unowned"] == {}
    owned = {(each["topic"], each["partition"]) for each in one["partitions"]}
    assert {("expedia", number) for number in range(4)} <= owned
    assert one["checkpoints"]["count"] > 0
    assert one["checkpoints"]["last_at"].endswith("Z")
