"""The newest events of a topic while a broker is away with a partition of it: those of the others come."""

import json
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from harness.second_broker import two_brokers
from harness.workers import running_worker

pytestmark = pytest.mark.long

TOPIC = "expedia_test"
DEADLINE_SECONDS = 30


def wait_for(stream: HTTPResponse, text: str | None, leaderless: list[int]) -> None:
    """Read until this event has come, and these partitions have been named last."""
    deadline, texts, named = time.monotonic() + DEADLINE_SECONDS, set[str](), None
    while (text is not None and text not in texts) or named != leaderless:
        assert time.monotonic() < deadline, (texts, named)
        line = stream.readline()
        if line.startswith(b"data: "):
            told = json.loads(line.removeprefix(b"data: "))
            named = told["leaderless_partitions"]
            texts |= {event["value"]["text"] for event in told["events"]}


def test_events_of_partitions_with_a_leader_come_and_the_others_are_named(tmp_path: Path):
    """Nothing came of any partition, and nobody was told why."""
    with two_brokers(tmp_path) as brokers:
        brokers.place_declared(TOPIC, [1, 2])
        brokers.kafka.produce(TOPIC, [b"first"], partition=0)
        brokers.kill_second(TOPIC)
        with running_worker(brokers.first.address, tmp_path, "tail", DATAFLOW_ROLE="ingest") as worker:
            worker.wait_ready()
            connection = HTTPConnection("127.0.0.1", worker.port, timeout=DEADLINE_SECONDS)
            connection.request("GET", f"/topics/{TOPIC}/tail?seconds=60")
            stream = connection.getresponse()
            wait_for(stream, "first", [1])
            brokers.restart_second()
            wait_for(stream, None, [])
            brokers.kafka.produce(TOPIC, [b"second"], partition=1)
            wait_for(stream, "second", [])
            brokers.kill_second(TOPIC)
            wait_for(stream, None, [1])
            brokers.kafka.produce(TOPIC, [b"third"], partition=0)
            wait_for(stream, "third", [1])
            connection.close()
