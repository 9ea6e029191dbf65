"""Stopping while servers are away: each role ends in time, in good order, and says little about it."""

import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic, sleep

import pytest
from chaos.cluster import Cluster
from chaos.waiting import wait_until
from chaos.worker import Worker

from dataflow.demo.broker.ports import free_port
from dataflow.demo.samples import sample_events

pytestmark = pytest.mark.long

SHUTDOWN_SECONDS = 10  # the setting's default
BUSY_SECONDS = 10  # what a busy machine may add
MOST_LINES = 150
"""Of the log, from SIGTERM to the end: each service of Faust says two or three times that it stops."""
MOST_LINES_A_SECOND = 20
WAITING_SECONDS = 5
READY_SECONDS = 180
STORING = ("all", "sink-postgres", "sink-s3", "sink-opensearch")
FROZEN_ROLES = ("enrich", "ingest", "sink-csv")
ROLES = (*STORING, "enrich", "ingest", "sink-csv")

EVENT = b'{"device_id":"d","event_type":"REVENUE","created_on":"2026-01-31T12:00:00Z"}'
STORED = {"analytics-events": [EVENT] * 50, "enriched-web-events": sample_events("raw-web-events")[:50]}

Away = Callable[[], AbstractContextManager[int]]


@contextmanager
def refusing() -> Iterator[int]:
    """Give a port at which nobody is."""
    yield free_port()


@contextmanager
def silent() -> Iterator[int]:
    """Give the port of a server that lets everybody connect and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as listening:
        yield listening.getsockname()[1]


def start(cluster: Cluster, roles: Sequence[str], port: int, **chosen: str) -> dict[str, Worker]:
    """Start a worker of each role, whose sinks have something to store, and their servers at this port."""
    for topic, events in STORED.items():
        cluster.kafka.produce(topic, events)
    settings = chosen | {
        "postgres_url": f"postgresql://nobody:x@127.0.0.1:{port}/none",
        "s3_bucket": "none",
        "s3_endpoint": f"http://127.0.0.1:{port}",
        "s3_access_key": "none",
        "s3_secret_key": "none-at-all",
        "opensearch_url": f"http://127.0.0.1:{port}",
        "csv_dir": str(cluster.folder / "csv"),
    }
    return {role: cluster.start_worker("dataflow.app", None, **settings, role=role) for role in roles}


def check_stops(workers: dict[str, Worker]) -> None:
    """Let workers wait for what is away, then end them: in time, in good order, and in few words."""
    before = {role: lines_of(worker) for role, worker in workers.items()}
    sleep(WAITING_SECONDS)
    for role, worker in workers.items():
        while_waiting = lines_of(worker) - before[role]
        assert while_waiting < WAITING_SECONDS * MOST_LINES_A_SECOND, (role, worker.tail())
    for role, worker in workers.items():
        until_asked, asked_at = lines_of(worker), monotonic()
        worker.terminate()
        code = worker.wait_exit(SHUTDOWN_SECONDS + BUSY_SECONDS)
        print(f"{role}: {monotonic() - asked_at:.1f} s, {lines_of(worker) - until_asked} lines")
        assert code == 0, (role, worker.tail())
        assert lines_of(worker) - until_asked < MOST_LINES, (role, worker.tail())
        assert "Traceback" not in worker.said(), (role, worker.tail())


def lines_of(worker: Worker) -> int:
    """Return how many lines it has logged."""
    return worker.said().count("\n")


def has_begun(worker: Worker) -> bool:
    """Tell whether it has got as far as to look for its broker."""
    return "Broker does not answer" in worker.said() or "Starting..." in worker.said()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("away", [refusing, silent])
def test_a_worker_whose_sinks_have_no_server_can_be_stopped(cluster: Cluster, away: Away):
    """One that could not connect went on for ever, with 307,101 log lines in ten minutes."""
    with away() as port:
        workers = start(cluster, STORING, port)
        for worker in workers.values():
            worker.wait_ready(READY_SECONDS)
        check_stops(workers)


@pytest.mark.timeout(400)
def test_a_worker_whose_kafka_has_gone_can_be_stopped(cluster: Cluster):
    """A broker is away at each of its updates, and a deployment does not wait for it."""
    with refusing() as port:
        workers = start(cluster, ROLES, port)
        for worker in workers.values():
            worker.wait_ready(READY_SECONDS)
        cluster.broker.kill()
        check_stops(workers)


@pytest.mark.timeout(400)
def test_a_worker_whose_kafka_says_nothing_any_more_can_be_stopped(cluster: Cluster):
    """A broker that is frozen takes connections and answers none, so that each step waits for it."""
    with refusing() as port:
        workers = start(cluster, FROZEN_ROLES, port)
        for worker in workers.values():
            worker.wait_ready(READY_SECONDS)
        os.kill(cluster.broker.pid, signal.SIGSTOP)
        try:
            check_stops(workers)
        finally:
            os.kill(cluster.broker.pid, signal.SIGCONT)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("away", [refusing, silent])
def test_a_worker_that_never_had_a_kafka_can_be_stopped(cluster: Cluster, away: Away):
    """Its start waits for the broker."""
    with away() as port:
        workers = start(cluster, ROLES, port, broker=f"127.0.0.1:{port}")
        for worker in workers.values():
            wait_until(partial(has_begun, worker), READY_SECONDS, worker.tail)
        check_stops(workers)
