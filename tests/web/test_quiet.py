"""Quiet: a normal start, stop, rebalance and failover, and a broker that restarts, log no error."""

import json
import re
from pathlib import Path

import pytest
from harness.web_events import EVENTS, SENT
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long

COMPLAINTS = re.compile(
    r'"level":"(error|critical)"|Traceback|never (retrieved|awaited)|is closed|was destroyed'
)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what workers have logged: one that saw all of it, and those that it saw come and go."""
    folder = tmp_path_factory.mktemp("quiet")
    broker = EmbeddedBroker(folder / "broker", properties={"group.min.session.timeout.ms": 1000})
    broker.start()
    broker.wait_ready()
    try:
        return run_all(broker, folder)
    finally:
        broker.kill()


def run_all(broker: EmbeddedBroker, folder: Path) -> dict[str, str]:
    """Run workers on a broker that has just been made."""
    with running_worker(broker.address, folder, "quiet") as first:  # it makes the topics
        first.wait_ready()
        kafka = KafkaClient(broker.address)
        for stream, events in EVENTS.items():
            kafka.produce(stream, events)
        first.wait_counted(SENT)
        with running_worker(broker.address, folder, "quiet") as leaves:
            share(first, leaves)
        first.wait_counted(SENT)
        with running_worker(broker.address, folder, "quiet") as killed:
            share(first, killed)
            killed.kill()
            first.wait_counted(SENT)
        broker.kill()
        first.wait_for("/readyz", lambda reply: reply.status == 503)
        broker.start()
        broker.wait_ready()
        first.wait_ready()
        first.wait_counted(SENT)
    assert first.process.returncode == 0
    workers = {"all of it": first, "a rebalance": leaves, "a failover": killed}
    return {name: worker.log.read_text() for name, worker in workers.items()}


def share(first: Worker, second: Worker) -> None:
    """Wait until both own partitions, and have counted all events."""
    for worker in (first, second):
        worker.wait_ready()
        worker.wait_counted(SENT)


@pytest.mark.parametrize("what", ["all of it", "a rebalance", "a failover"])
def test_nothing_is_logged_as_an_error(logs: dict[str, str], what: str):
    """Who is called at night for an error line is called for each: one that needs nobody is none."""
    complaints = [line for line in logs[what].splitlines() if COMPLAINTS.search(line)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("what", ["all of it", "a rebalance", "a failover"])
def test_every_line_is_json_and_says_which_worker_has_written_it(logs: dict[str, str], what: str):
    """What collects the lines of all workers drops one that it cannot read, such as a banner."""
    lines = [json.loads(line) for line in logs[what].splitlines()]
    assert {line["role"] for line in lines} == {"all"}
    assert len({line["worker"] for line in lines}) == 1


def test_a_complaint_is_seen():
    """A check that accepts everything proves nothing."""
    assert COMPLAINTS.search('{"level":"error","logger":"asyncio","message":"x"}')
    assert COMPLAINTS.search("RuntimeError: Event loop is closed")
