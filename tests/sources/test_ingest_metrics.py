"""Metrics of ingest: what Prometheus sees of every outcome, and that labels hold nothing of a sender's."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.waiting import wait_until
from prometheus_client.parser import text_string_to_metric_families
from sources.senders import Ingest, RawSender, curl

Series = dict[tuple[str, str], float]
"""Values by name and the one label that there may be."""


@pytest.fixture
def grown(ingest: Ingest) -> Callable[[], Series]:
    """Return a function that tells what has grown since the test began."""
    before = series(ingest)
    return lambda: {
        key: value - before.get(key, 0)
        for key, value in series(ingest).items()
        if value != before.get(key, 0) and key[0].startswith("dataflow_") and key[0].endswith("_total")
    }


def series(ingest: Ingest) -> Series:
    """Return all series of the worker."""
    text = curl(ingest.url("/metrics")).body.decode()
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_events_are_counted_by_topic_and_outcome(ingest: Ingest, grown):
    """A stream whose dead letters grow has nobody else who would say so."""
    ingest.post("/ingest", b'{"a":1}\ngarbage of some kind\n{"a":2}')
    ingest.post("/ingest/access-logs", b"one\ntwo\nthree")
    ingest.post("/events", b'{"device_id":"d","event_type":"REVENUE","created_on":"2026-01-31T12:00:00Z"}')
    assert grown() == {
        ("dataflow_http_accepted_events_total", "cdn-logs"): 2,
        ("dataflow_http_dead_lettered_events_total", "cdn-logs"): 1,
        ("dataflow_http_accepted_events_total", "access-logs"): 3,
        ("dataflow_http_accepted_events_total", "analytics-events"): 1,
    }


def test_refusals_are_counted_by_status(ingest: Ingest, grown):
    """After another 4XX than 429 a sender has dropped what it had."""
    ingest.post("/ingest", b"x" * (3 << 20))
    ingest.post("/ingest", b"x", "-H", "Content-Encoding: br")
    ingest.post("/ingest", b"x", "-H", "Content-Encoding: gzip")
    ingest.post("/events", b"{}")
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Content-Length: 100")
        assert sender.hear().status == 503
    refused = {status: count for (name, status), count in grown().items() if "refused" in name}
    assert refused == {"413": 1, "415": 1, "400": 2, "503": 1}


def test_bytes_in_flight_are_those_that_are_held_now(ingest: Ingest):
    """Near the bound senders are about to be put off."""
    key = ("dataflow_http_in_flight_bytes", "")
    with RawSender(ingest.worker.port) as sender:
        sender.begin("Content-Length: 200000")
        sender.say(b"x" * 150_000)
        wait_until(lambda: series(ingest)[key] >= 150_000, 30, "the bytes that hang")
    wait_until(lambda: series(ingest)[key] == 0, 30, "no bytes any more")


def test_requests_are_measured_by_route(ingest: Ingest):
    """Slow answers are seen, and whose they are."""
    sent = ("dataflow_http_request_seconds_count", "POST/ingest/{stream}")
    unknown = ("dataflow_http_request_seconds_count", "(other)(none)")
    before = series(ingest)
    ingest.post("/ingest/access-logs", b"one")
    ingest.post("/nowhere", b"x")
    after = series(ingest)
    assert [after[key] - before[key] for key in (sent, unknown)] == [1, 1]


def test_no_label_is_made_of_what_a_sender_sends(ingest: Ingest):
    """Else anybody could fill the memory of Prometheus."""
    before = series(ingest).keys()
    for number in range(20):
        ingest.post(f"/ingest/stream-{number}", b"x", "-H", f"X-Forwarded-For: {number}")
        ingest.post(f"/nowhere-{number}", b"x")
    assert series(ingest).keys() == before


def test_every_series_is_on_the_page(ingest: Ingest):
    """With what to do when it rises."""
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    listed = set(re.findall(r"^\| `(dataflow_http_\w+)", page, re.MULTILINE))
    served = {re.sub("_(bucket|sum|count|created)$", "", name) for name, _ in series(ingest)}
    assert listed == {name for name in served if name.startswith("dataflow_http_")}
