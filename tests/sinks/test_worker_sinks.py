"""Sinks in a worker of the real app: one that is away delays nobody, and everybody can see it."""

import asyncio
import json
import subprocess
import sys
from urllib.request import urlopen

import asyncpg
import pytest
from chaos.worker import Worker
from kafka_client import KafkaClient
from prometheus_client.parser import text_string_to_metric_families
from sinks.postgres_server import PostgresServer
from sinks.systems import CsvFolder
from sinks.waiting import until

from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.demo.broker.ports import free_port

pytestmark = pytest.mark.long

EVENTS, LINES = 1_000, 50
LINE = b'83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"'


@pytest.fixture
def away():
    """Return a PostgreSQL that is not running yet."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def worker(own_broker, away, tmp_path):
    """Return a worker with all agents and two sinks, one of which has nowhere to go."""
    environment = {
        "DATAFLOW_BROKER": own_broker.address,
        "DATAFLOW_POSTGRES_URL": away.url,
        "DATAFLOW_CSV_DIR": str(tmp_path / "csv"),
        "DATAFLOW_PARTITIONS": "2",
    }
    worker = Worker(tmp_path / "worker", free_port(), environment).start()
    yield worker
    worker.clear_away()


def sink_metrics(worker: Worker, sink: str) -> dict[str, float]:
    """Return what /metrics tells of a sink, by what follows ``dataflow_sink_``."""
    with urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        sample.name.removeprefix("dataflow_sink_"): sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("sink") == sink and not sample.name.endswith("_created")
    }


def lag(metrics: dict[str, float]) -> tuple[float, float]:
    """Return by how many records and seconds a sink is behind; they are measured one after the other."""
    return metrics["lag_records"], metrics["lag_seconds"]


def sinks_of(worker: Worker) -> dict[str, dict]:
    """Return what /sinks answers, by name."""
    _, answer = worker.ask("/sinks")
    return {sink["name"]: sink for sink in answer["sinks"]}


def shown(worker: Worker) -> dict[str, dict]:
    """Return what `dataflow sinks status` prints in a pipe, by name."""
    command = [sys.executable, "-m", "dataflow", "sinks", "status"]
    done = subprocess.run(command, env=worker.environment, capture_output=True, check=True)
    return {sink["name"]: sink for sink in json.loads(done.stdout)["sinks"]}


@pytest.mark.timeout(240)
async def test_a_sink_that_is_away_delays_nobody_and_its_lag_is_to_be_seen_until_it_is_back(
    worker, away, own_broker, tmp_path
):
    """By how many records and seconds, why and since when: in /metrics, /sinks and on the command line."""
    await asyncio.to_thread(worker.wait_ready)
    client = KafkaClient(own_broker.address)
    system = CsvFolder(tmp_path / "csv", is_small=False)
    client.produce(ANALYTICS_EVENTS.name, map(system.record, range(EVENTS)))
    client.produce("access-logs", [LINE] * LINES)

    await the_others_do_their_work(worker, client, system)
    await the_one_that_is_away_says_so(worker)
    await asyncio.to_thread(away.start)
    await it_catches_up(worker)
    connection = await asyncpg.connect(away.url)
    assert await connection.fetchval("SELECT count(*) FROM analytics_events") == EVENTS
    assert await connection.fetchval("SELECT count(*) FROM web_logs") == LINES
    await connection.close()
    assert await asyncio.to_thread(worker.stop) == 0, worker.tail()


async def the_others_do_their_work(worker: Worker, client: KafkaClient, system: CsvFolder) -> None:
    """Wait for what agents and the other sink have to do; nothing of it is behind."""
    await until(lambda: len(client.read_topic("access-logs-parsed")) == LINES)
    await until(lambda: sink_metrics(worker, "csv")["stored_records_total"] == EVENTS)
    await until(lambda: not any(lag(sink_metrics(worker, "csv"))))
    assert sorted(system.numbers()) == [*range(EVENTS)]
    fine = sink_metrics(worker, "csv")
    assert fine.pop("writing_seconds_total") > 0
    nothing = (
        "lag_records",
        "lag_seconds",
        "buffered_records",
        "retrying_seconds",
        "failed_tries_total",
    )
    assert fine == dict.fromkeys(nothing, 0) | {"stored_records_total": EVENTS, "rejected_records_total": 0}


async def the_one_that_is_away_says_so(worker: Worker) -> None:
    """Wait until it is behind by everything, and see it everywhere."""
    await until(lambda: sink_metrics(worker, "postgres")["lag_records"] >= EVENTS + LINES)
    await until(lambda: sink_metrics(worker, "postgres")["retrying_seconds"] > 0)
    late = sink_metrics(worker, "postgres")
    assert late["lag_seconds"] > 0
    assert late["failed_tries_total"] > 0
    assert late["stored_records_total"] == 0
    for told in (sinks_of(worker), shown(worker)):
        assert told["csv"]["lag"] == {"records": 0, "seconds": 0.0}
        assert told["csv"]["last_error"] is None
        assert told["postgres"]["lag"]["records"] >= EVENTS + LINES
        assert told["postgres"]["lag"]["seconds"] > 0
        assert "Connection refused" in told["postgres"]["last_error"]
        assert told["postgres"]["retrying_since"] <= told["postgres"]["last_error_at"]
    assert worker.is_ready()


async def it_catches_up(worker: Worker) -> None:
    """Wait until nothing is behind; the last error is history."""
    await until(lambda: not any(lag(sink_metrics(worker, "postgres"))), 90)
    assert sink_metrics(worker, "postgres")["retrying_seconds"] == 0
    assert sink_metrics(worker, "postgres")["stored_records_total"] == EVENTS + LINES
    back = sinks_of(worker)["postgres"]
    assert (back["lag"]["records"], back["retrying_since"]) == (0, None)
    # A server that starts may have answered once before it serves.
    assert any(words in back["last_error"] for words in ("Connection refused", "is starting up"))
