"""Health: alive and ready are two questions, and both are answered at any time."""

import re

import msgspec
from harness.workers import running_worker

from dataflow.engine.query import Inquiry, ReadEventCounts


def test_a_worker_at_work_is_healthy_and_ready(worker):
    """What a probe sees all day."""
    assert (worker.get("/healthz").status, worker.get("/healthz").json) == (200, {"healthy": True})
    assert (worker.get("/readyz").status, worker.get("/readyz").json) == (200, {"ready": True, "paused": {}})


def test_a_worker_that_recovers_says_so_and_when_to_ask_again(start_worker):
    """It listens before it has its partitions: an empty answer would be a wrong one."""
    worker = start_worker()
    seen = worker.wait_for("/readyz", lambda reply: True)
    assert (seen.status, seen.headers["Retry-After"]) == (503, "1")
    assert re.fullmatch(
        r"worker is recovering \((start|revocation|assignment)\) for \d+ s and waits for "
        r"(the broker|the group|committed offsets).*; expected ready",
        seen.json["error"],
    )
    query = msgspec.msgpack.encode(Inquiry(["expedia"], ReadEventCounts()))
    for path, method, body in (
        ("/tables/stays_per_category", "GET", None),
        ("/streams", "GET", None),
        ("/_query", "POST", query),
    ):
        reply = worker.as_worker(path, method, body)
        assert (reply.status, reply.headers.get("Retry-After")) == (503, "1"), path
    assert worker.get("/healthz").status == 200
    worker.wait_ready()


def test_workers_without_partitions_are_ready_and_answer_for_the_others(alone, own_broker, tmp_path):
    """There may be more workers than partitions: they stand by, and they serve."""
    with running_worker(own_broker.address, tmp_path, "alone") as second:
        second.wait_ready()
        alone.wait_ready()
        replies = [each.wait_for("/streams", lambda reply: reply.status == 200) for each in (alone, second)]
        assert [reply.json["partitions"]["expedia"] for reply in replies] == [
            {"answered": [0], "missing": []}
        ] * 2


def test_a_worker_without_its_broker_is_alive_and_not_ready(alone, own_broker):
    """A restart would not bring the broker back; traffic for it should go elsewhere."""
    own_broker.kill()
    alone.wait_for("/readyz", lambda reply: reply.status == 503)
    assert alone.get("/healthz").status == 200
    own_broker.start()
    own_broker.wait_ready()
    alone.wait_ready()
