"""Analytics events over HTTP: created, refused, simulated by one worker of several, and counted."""

import json

import pytest
from chaos.cluster import running_cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from sources.senders import READY_SECONDS, Answer, Ingest, curl

STARTED, STOPPED = "Simulation already started", "No simulation running at the moment"


def an_event(**fields) -> bytes:
    """Return an event as an app sends it."""
    event = {"device_id": "d-1", "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z", **fields}
    return json.dumps(event).encode()


def test_an_event_is_in_kafka_when_it_is_created(ingest: Ingest, mark: bytes):
    """201, and the event as it was sent."""
    event = an_event(device_id=mark.decode())
    answer = ingest.post("/events", event)
    assert (answer.status, answer.body) == (201, event)
    assert ingest.values("analytics-events", mark) == [event]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"device_id": ""}, "device_id"),
        ({"device_id": 5}, "device_id"),
        ({"event_type": "PAUSE"}, "event_type"),
        ({"created_on": "yesterday"}, "created_on"),
        ({"created_on": None}, "created_on"),
    ],
)
def test_a_field_at_fault_is_named(ingest: Ingest, mark: bytes, fields: dict[str, object], field: str):
    """400, and nothing is stored."""
    answer = ingest.post("/events", an_event(**{"device_id": mark.decode(), **fields}))
    assert answer.status == 400
    assert field in answer.error
    assert ingest.values("analytics-events", mark) == []


@pytest.mark.parametrize("body", [b"", b"garbage", b"[]"])
def test_what_is_no_event_is_refused(ingest: Ingest, body: bytes):
    """400 as well."""
    assert ingest.post("/events", body).status == 400


def test_an_endless_event_is_refused(ingest: Ingest):
    """64 KiB are enough for three fields."""
    assert ingest.post("/events", an_event(device_id="x" * 70_000)).status == 413


@pytest.mark.parametrize("interval", ["0", "-1", "x", "nan", "inf", "3601", ""])
def test_an_impossible_interval_is_refused(ingest: Ingest, interval: str):
    """And named."""
    answer = curl(ingest.url(f"/events/simulation?interval={interval}"), "-X", "POST")
    assert answer.status == 400
    assert "interval is" in answer.error


def simulation(worker: Worker, method: str, query: str = "") -> Answer:
    """Ask a worker to start or stop."""
    return curl(f"http://127.0.0.1:{worker.port}/events/simulation{query}", "-X", method)


def test_a_simulation_belongs_to_the_cluster(tmp_path):
    """Started through one worker, stopped through another, ended by the death of the one that runs it."""
    with running_cluster(tmp_path) as cluster:
        first, second = cluster.start_worker(role="ingest"), cluster.start_worker(role="ingest")
        for worker in (first, second):
            worker.wait_ready(READY_SECONDS)
        asked = simulation(second, "DELETE")
        assert (asked.status, asked.error) == (400, STOPPED)
        assert simulation(first, "POST", "?interval=0.01").status == 200
        for worker in (first, second):
            asked = simulation(worker, "POST", "?interval=1")
            assert (asked.status, asked.error) == (400, STARTED)

        def events() -> int:
            return len(cluster.kafka.read_topic("analytics-events"))

        wait_until(lambda: events() > 10, 60, "simulated events")
        assert simulation(second, "DELETE").status == 200
        assert simulation(first, "DELETE").status == 400
        wait_until(lambda: "Simulation has ended" in first.said(), 30, "the end of it")
        ended_with = events()

        assert simulation(first, "POST", "?interval=0.01").status == 200
        wait_until(lambda: events() > ended_with, 60, "simulated events")
        first.kill()
        wait_until(lambda: simulation(second, "POST", "?interval=0.01").status == 200, 60, "a new start")
        assert second.stop() == 0  # it says so when it ends, so that nobody has to wait for its silence
        first.start().wait_ready(READY_SECONDS)
        assert simulation(first, "DELETE").error == STOPPED


def test_events_are_counted_by_type(tmp_path):
    """How many, and of how many devices; what is no event is a dead letter."""
    with running_cluster(tmp_path) as cluster:
        worker = cluster.start_worker().wait_ready(READY_SECONDS)
        url = f"http://127.0.0.1:{worker.port}/events"
        for device, event_type in (
            ("a", "REVENUE"),
            ("b", "REVENUE"),
            ("a", "REVENUE"),
            ("c", "END_SESSION"),
        ):
            assert curl(url, data=an_event(device_id=device, event_type=event_type)).status == 201
        cluster.kafka.produce("analytics-events", [b'{"device_id":"x"}'])

        def counts() -> dict[str, tuple[int, int]]:
            status, answer = worker.ask("/tables/events_per_type", window="all")
            if status != 200 or not answer["windows"]:
                return {}
            entries = answer["windows"][0]["entries"]
            return {entry["key"]: (entry["count"], entry["distinct_devices"]) for entry in entries}

        expected = {"REVENUE": (3, 2), "END_SESSION": (1, 1)}
        wait_until(lambda: counts() == expected, 60, lambda: f"{expected}, but {counts()}")
        wait_until(lambda: len(cluster.kafka.read_topic("dead-letters")) == 1, 60, "a dead letter")
