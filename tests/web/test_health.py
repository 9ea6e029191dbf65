"""Health: alive and ready are two questions, and both are answered at any time."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from functools import partial

import msgspec
import pytest
from harness.workers import running_worker
from web.conftest import create_topics

from dataflow.engine.query import Inquiry, ReadEventCounts

pytestmark = pytest.mark.long


def test_a_worker_at_work_is_healthy_and_ready(worker):
    """What a probe sees all day."""
    assert (worker.get("/healthz").status, worker.get("/healthz").json) == (200, {"healthy": True})
    assert (worker.get("/readyz").status, worker.get("/readyz").json) == (200, {"ready": True, "paused": {}})


def test_the_health_command_asks_a_running_worker(worker):
    """It is the health check of the image, which has no curl: its exit code is the answer."""
    settings = {
        **os.environ,
        "DATAFLOW_WEB_HOST": "0.0.0.0",
        "DATAFLOW_WEB_PORT": str(worker.port),
        "DATAFLOW_ADVERTISED_HOST": "a-name-of-several-workers.invalid",
    }
    for question in ([], ["--ready"]):
        command = [sys.executable, "-m", "dataflow", "health", *question]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["ready" if question else "healthy"] is True


def test_a_worker_that_recovers_says_so_and_when_to_ask_again(start_worker):
    """It listens before it has its partitions: an empty answer would be a wrong one."""
    worker = start_worker()
    seen = worker.wait_for("/readyz", lambda reply: True)
    assert (seen.status, seen.headers["Retry-After"]) == (503, "1")
    assert re.fullmatch(
        r"worker is (starting|recovering \((start|revocation|assignment)\)) for \d+ s and waits for "
        r"(the broker|the group|committed offsets|its services).*; expected (ready|one that has started)",
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


def test_a_rebalance_does_not_end_the_readiness_to_take_events(alone, own_broker, tmp_path):
    """A Service that loses its ingest pods with every rollout of other workers loses events."""
    long = {"DATAFLOW_SESSION_TIMEOUT_MS": "30000"}  # so long the rebalance lasts, on a busy machine, too
    with running_worker(own_broker.address, tmp_path, "alone", **long) as frozen:
        frozen.wait_ready()
        frozen.process.send_signal(signal.SIGSTOP)  # the group waits for it until its session is over
        with running_worker(own_broker.address, tmp_path, "alone"):
            alone.wait_for("/readyz", lambda reply: reply.status == 503)
            ingest = alone.get("/readyz?for=ingest")
            work = alone.get("/readyz?for=work")
            assert work.status == 503, "the rebalance was over too early"
            assert (ingest.status, ingest.json["ready"]) == (200, True)
        frozen.kill()


def test_a_worker_is_ready_for_what_its_role_does(web_broker, tmp_path, unique):
    """A probe for something that a role never does would keep its pods out of their Service for ever."""
    start = partial(running_worker, web_broker.address, tmp_path, unique("roles"))
    with start(DATAFLOW_ROLE="ingest") as ingest:
        for duty in ("ingest", "tables", "work"):
            ingest.wait_for(f"/readyz?for={duty}", lambda reply: reply.status == 200)
    with start(DATAFLOW_ROLE="sink-csv", DATAFLOW_CSV_DIR=str(tmp_path / "csv")) as sink:
        for duty in ("tables", "work"):
            sink.wait_for(f"/readyz?for={duty}", lambda reply: reply.status == 200)
        refused = sink.get("/readyz?for=ingest")
    refusal = "worker is of role sink-csv, which takes no events over HTTP; expected ready"
    assert (refused.status, refused.json["error"]) == (503, refusal)


def test_a_misspelt_probe_is_never_ready(worker):
    """It would look at something else for ever; 400 keeps the pod out, and says what there is."""
    reply = worker.get("/readyz?for=ingset")
    assert reply.status == 400
    assert reply.json["error"] == "for is 'ingset'; expected ingest, tables or work"
    assert worker.get("/readyz?four=ingest").status == 400


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


def test_a_worker_that_starts_without_its_broker_says_what_it_waits_for(own_broker, tmp_path, unique):
    """Nobody listened before the broker came: a probe could not tell who waits from who hangs."""
    address, app_id = own_broker.address, unique("waits")
    create_topics(own_broker, partitions=1)
    own_broker.kill()
    roles = {"enrich": {}, "ingest": {}, "sink-csv": {"DATAFLOW_CSV_DIR": str(tmp_path / "csv")}}
    with ExitStack() as running:
        started = {
            role: running.enter_context(
                running_worker(address, tmp_path, app_id, DATAFLOW_ROLE=role, **chosen)
            )
            for role, chosen in roles.items()
        }
        for role, worker in started.items():
            told = worker.wait_for("/readyz", lambda reply: reply.status == 503).json["error"]
            awaited = rf"starting for \d+ s and waits for the broker at {address}, to look for its topics"
            assert re.fullmatch(f"worker is {awaited}; expected ready", told), role
            assert worker.get("/healthz").status == 200, role
            assert worker.get("/").status == 200, role
            for path, method in (("/streams", "GET"), ("/ingest/page-views", "POST"), ("/metrics", "GET")):
                if role == "ingest" or not path.startswith("/ingest"):
                    reply = worker.get(path, method, body=b"{}" if method == "POST" else None)
                    assert (reply.status, reply.headers["Retry-After"]) == (503, "1"), (role, path)
                    assert re.search(awaited, reply.json["error"]), (role, path)
        own_broker.start()
        own_broker.wait_ready()
        for worker in started.values():
            worker.wait_ready()
            worker.wait_for("/streams", lambda reply: reply.status == 200)
        for role, worker in started.items():
            worker.process.terminate()
            assert worker.process.wait(30) == 0, role
            assert "Worker is not ready." not in worker.log.read_text(), role
