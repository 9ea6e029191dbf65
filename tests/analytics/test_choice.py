"""Choice: who answers, why, what is not in the answer, and how its pages follow one another."""

import re
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from analytics.sent import access_line, counted, ranked
from harness.workers import running_worker
from kafka_client import KafkaClient

from dataflow.analytics.span import Bound
from dataflow.settings import Settings
from dataflow.topics import declared_topics

PAGE = Path(__file__).parents[2] / "docs" / "analytics.md"
RATE = "/analytics/error_rate"
ENDPOINTS = "/analytics/requests_per_endpoint"


@pytest.mark.parametrize(
    ("query", "source", "why"),
    [
        ("start=2015-05-19&end=2015-05-19", "tables", "day windows of requests_per_status hold this range"),
        ("start=2015-05-20T01:00&end=2015-05-20T01:59", "tables", "hour windows of requests_per_status hold"),
        ("start=2015-05-20T22:00&end=2015-05-20T22:30", "tables", "minute windows of requests_per_status"),
        ("start=2015-05-20", "tables", "day windows of requests_per_status hold this range"),
        ("", "tables", "all windows of requests_per_status hold this range"),
        ("start=2015-05-20T22:00:01", "postgres", "start and end are not those of whole minutes"),
        ("end=2015-05-20T22:30:00Z", "postgres", "start and end are not those of whole minutes"),
        (
            "start=2015-05-20T10:01&end=2015-05-20T23:00",
            "postgres",
            "minute windows of requests_per_status are kept from 2015-05-20T16:3",
        ),
        (
            "start=2015-05-18&end=2015-05-18",
            "postgres",
            "tables lack requests up to 2015-05-18T06:30:00Z that came after their day was closed",
        ),
    ],
)
def test_the_tables_answer_what_they_have_exactly_and_postgres_the_rest(stored, sent, query, source, why):
    """The answer says which of them it was, and why."""
    found = stored.worker.get(f"{RATE}?{query}").json
    assert (found["source"], found["exact"], found["lacks"]) == (source, True, [])
    assert found["why"].startswith(why)
    assert found["lag"]["records"] == 0
    bounds = dict(part.split("=") for part in query.split("&")) if query else {}
    start_ms = Bound.parse(bounds["start"]).first_ms if "start" in bounds else None
    end_ms = Bound.parse(bounds["end"]).after_last_ms if "end" in bounds else None
    assert found["total"] == len(counted(sent, start_ms, end_ms))


def test_who_insists_on_tables_is_told_what_they_lack(stored, sent):
    """Two lines came late: nothing is hidden, and what is there is counted."""
    found = stored.worker.get(f"{RATE}?start=2015-05-18&end=2015-05-18&source=tables").json
    assert found["exact"] is False
    assert found["lacks"] == ["requests up to 2015-05-18T06:30:00Z that came after their day was closed"]
    every = counted(sent, Bound.parse("2015-05-18").first_ms, Bound.parse("2015-05-18").after_last_ms)
    assert found["total"] == len(every) - 2


@pytest.mark.parametrize(
    ("end", "is_in"),
    [
        ("2015-05-20T23:30:00Z", True),
        ("2015-05-21T01:30:00+02:00", True),
        ("2015-05-20T23:29:59.999Z", False),
        ("2015-05-20T23:29", False),
        ("2015-05-20T23:30", True),
        ("2015-05-20", True),
        ("2015-05-19", False),
    ],
)
def test_an_end_is_inclusive_as_exactly_as_it_is_written(stored, end, is_in):
    """The last request was at half past eleven, to the second."""
    reply = stored.worker.get(f"{ENDPOINTS}?start=2015-05-19&end={quote(end)}&limit=1000&source=postgres")
    keys = [entry["endpoint"] for entry in reply.json["endpoints"]]
    assert ("/at-the-end" in keys) is is_in


def test_the_range_that_is_answered_can_be_asked_for_again(stored):
    """Its last millisecond is written, whatever was asked for."""
    found = stored.worker.get(f"{RATE}?start=2015-05-19T02:00%2B02:00&end=2015-05-20").json
    assert (found["start"], found["end"]) == ("2015-05-19T00:00:00Z", "2015-05-20T23:59:59.999Z")
    assert stored.worker.get(f"{RATE}?start={found['start']}&end={found['end']}").json == found


@pytest.mark.parametrize("sources", [("tables", "tables"), ("postgres", "postgres"), ("tables", "postgres")])
def test_pages_follow_one_another_without_a_gap_whoever_answers(stored, sent, sources):
    """A place between two pages is a count and a key: both sources know it."""
    span = "start=2015-05-20T20:00&end=2015-05-20T23:59"
    wanted = counted(
        sent, Bound.parse("2015-05-20T20:00").first_ms, Bound.parse("2015-05-20T23:59").after_last_ms
    )
    found, after, number = [], "", 0
    while after is not None:
        place = f"&after={quote(after, safe='')}" if after else ""
        source = sources[number % 2]
        page = stored.worker.get(f"/analytics/top_ips?{span}&limit=13&source={source}{place}").json
        assert page["total"] == len(wanted)
        found += [(entry["ip"], entry["count"]) for entry in page["ips"]]
        after, number = page["next"], number + 1
    assert found == ranked(Counter(request.client for request in wanted))


def test_ten_clients_and_a_hundred_endpoints_are_a_page(stored):
    """Who asks for no limit gets few."""
    assert len(stored.worker.get("/analytics/top_ips").json["ips"]) == 10
    assert len(stored.worker.get(ENDPOINTS).json["endpoints"]) == 100


def test_every_command_of_the_page_is_answered(stored):
    """They are copied before anything is read."""
    paths = re.findall(r"curl 'localhost:6066([^']+)'", PAGE.read_text("utf-8"))
    assert len(paths) == 3
    assert [stored.worker.get(path).status for path in paths] == [200] * 3


@contextmanager
def _worker_of(role, analytics_broker, postgres, folder, **chosen):
    settings = {"DATAFLOW_ROLE": role, "DATAFLOW_POSTGRES_URL": postgres.url, **chosen}
    with running_worker(analytics_broker.address, folder, "analytics", **settings) as worker:
        worker.wait_ready()
        yield worker


def test_a_worker_without_tables_asks_those_that_count(stored, sent, analytics_broker, postgres, tmp_path):
    """One that only receives: whoever is asked, the answer is the same."""
    with _worker_of("ingest", analytics_broker, postgres, tmp_path) as worker:
        found = worker.wait_for(f"{RATE}?source=tables", lambda reply: reply.status == 200).json
    assert (found["source"], found["total"], found["exact"]) == ("tables", len(sent), True)
    assert found == stored.worker.get(f"{RATE}?source=tables").json


def test_where_nobody_counts_postgres_answers_and_says_what_it_knows_to_be_missing(
    stored, sent, analytics_broker, postgres, tmp_path
):
    """Of one that only receives; by its settings CDN lines are not stored, and old days are dropped."""
    chosen = {"DATAFLOW_POSTGRES_RETENTION_DAYS": "30", "DATAFLOW_CDN_PARSED": "false"}
    chosen["DATAFLOW_APP_ID"] = "nobody-else"
    with _worker_of("ingest", analytics_broker, postgres, tmp_path, **chosen) as worker:
        found = worker.get(RATE).json
        refused = worker.get(f"{RATE}?source=tables")
    assert (found["source"], found["total"]) == ("postgres", len(sent))
    assert re.fullmatch("none of the owners of [a-z, -]+ has answered in time", found["why"])
    assert found["exact"] is False
    cdn, days = found["lacks"]
    assert cdn == "requests of cdn-logs: only typed ones are stored (DATAFLOW_CDN_PARSED)"
    assert days.startswith("requests of days before 20")
    assert refused.status == 503
    assert refused.json["error"] == found["why"]


def test_a_worker_that_only_stores_answers_from_where_it_stores(
    stored, sent, analytics_broker, postgres, tmp_path
):
    """Any worker with a web server does."""
    with _worker_of("sink-postgres", analytics_broker, postgres, tmp_path) as worker:
        found = worker.get("/analytics/top_ips?start=2015-05-19&end=2015-05-19&source=postgres").json
    wanted = counted(sent, Bound.parse("2015-05-19").first_ms, Bound.parse("2015-05-19").after_last_ms)
    assert (found["source"], found["exact"], found["total"]) == ("postgres", True, len(wanted))
    true = ranked(Counter(request.client for request in wanted))
    assert [(entry["ip"], entry["count"]) for entry in found["ips"]] == true[:10]


async def test_a_table_that_cannot_tell_all_keys_apart_says_so(own_broker, database, tmp_path):
    """Counts of single clients are too low then; the sum over all of them is right all the same.

    PostgreSQL has no CDN lines here: it would lack more.
    """
    at = datetime(2015, 5, 20, 12, 0, tzinfo=UTC)
    sent = [access_line(at, f"10.0.0.{number % 90}", "/", 500) for number in range(500)]
    kafka = KafkaClient(own_broker.address)
    names = [topic.name for topic in declared_topics(Settings())]
    kafka.create_topics([name for name in names if not name.endswith("-changelog")], partitions=1)
    kafka.produce("access-logs", [line.raw for line in sent])
    chosen = {
        "DATAFLOW_MAX_KEYS": "20",
        "DATAFLOW_POSTGRES_URL": database,
        "DATAFLOW_CDN_PARSED": "false",
    }
    with running_worker(own_broker.address, tmp_path, "few-keys", **chosen) as worker:
        rate = worker.wait_for(
            RATE, lambda reply: reply.status == 200 and reply.json["total"] == len(sent)
        ).json
        found = worker.get("/analytics/top_ips?limit=1000").json
    assert (rate["exact"], rate["errors"]) == (True, 500)
    assert (found["source"], found["exact"], found["total"]) == ("tables", False, 500)
    [lack] = found["lacks"]
    assert lack.startswith(
        "requests of keys that top_clients does not tell apart, (other): a window keeps 20"
    )
    true = Counter(request.client for request in sent)
    assert all(entry["count"] <= true[entry["ip"]] for entry in found["ips"] if entry["ip"] != "(other)")
