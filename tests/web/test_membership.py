"""Membership: a worker that cannot be a member of its group says why and ends; one that can comes back."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.web_events import EVENTS, SENT
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port

pytestmark = pytest.mark.long

ENDED_SECONDS = 90.0
FROZEN_SECONDS = 5.0  # a session has 3
EACH_TIME = 200
ID = "worker-a"


def last_words(worker: Worker) -> str:
    """Wait until a worker has ended by itself, with a failure; return what it has logged."""
    assert worker.process.wait(ENDED_SECONDS) not in (0, None)
    return worker.log.read_text()


def test_two_workers_ask_each_other_over_ipv6(web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable):
    """Each owns a part of the partitions, so an answer that is whole has come over the other's address."""
    there = {"DATAFLOW_WEB_HOST": "::1"}
    name = unique("ipv6")
    with (
        running_worker(web_broker.address, tmp_path, name, **there) as first,
        running_worker(web_broker.address, tmp_path, name, **there) as second,
    ):
        for worker in (first, second):
            worker.wait_ready()
        for worker in (first, second):
            worker.wait_counted(SENT)
        shares = [worker.get("/metrics").body.count(b"dataflow_lag_records{") for worker in (first, second)]
        assert all(shares), shares


def test_an_instance_id_that_a_living_worker_has_is_refused(
    web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable
):
    """The group would give each of them the other's partitions in turn."""
    name, static = unique("twice"), {"DATAFLOW_INSTANCE_ID": ID}
    with running_worker(web_broker.address, tmp_path, name, **static) as first:
        first.wait_ready()
        with running_worker(web_broker.address, tmp_path, name, **static) as second:
            said = last_words(second)
        assert (
            f"instance id is '{ID}' (DATAFLOW_INSTANCE_ID), which another worker in group {name} has" in said
        )
        assert f"process {first.process.pid} on {socket.gethostname()} (127.0.0.1)" in said
        assert first.get("/readyz").status == 200


def test_an_address_that_a_living_worker_has_is_refused(
    web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable
):
    """Queries would go to one of them only; and each would take the transactional id from the other."""
    name = unique("address")
    with running_worker(web_broker.address, tmp_path, name) as first:
        first.wait_ready()
        same = {"DATAFLOW_WEB_PORT": str(first.port), "DATAFLOW_ADVERTISED_HOST": "127.0.0.1"}
        with running_worker(
            web_broker.address, tmp_path, name, DATAFLOW_WEB_HOST="127.0.0.2", **same
        ) as second:
            said = last_words(second)
        assert f"address of this worker is http://127.0.0.1:{first.port}" in said
        assert f"process {first.process.pid} on " in said
        assert first.get("/readyz").status == 200
        assert "fenced" not in first.log.read_text().lower()


@pytest.mark.parametrize("same", ["address", "instance id"])
def test_of_two_that_start_at_once_one_goes_on(
    web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable, same: str
):
    """Neither finds the other in the group before it joins; after that, each does."""
    name, port = unique("at-once"), str(free_port())
    given = (
        {"DATAFLOW_WEB_PORT": port, "DATAFLOW_ADVERTISED_HOST": "127.0.0.1"}
        if same == "address"
        else {"DATAFLOW_INSTANCE_ID": ID}
    )
    with (
        running_worker(web_broker.address, tmp_path, name, **given) as first,
        running_worker(
            web_broker.address, tmp_path, name, **{"DATAFLOW_WEB_HOST": "127.0.0.2", **given}
        ) as second,
    ):
        deadline = time.monotonic() + ENDED_SECONDS
        while first.process.poll() is None and second.process.poll() is None:
            assert time.monotonic() < deadline, first.log.read_text()[-3000:]
            time.sleep(0.1)
        ended, left = (first, second) if first.process.poll() is not None else (second, first)
        assert f"{same} " in last_words(ended)
        left.wait_counted(SENT)


def test_a_static_member_comes_back_with_another_address_within_its_session(
    web_broker: EmbeddedBroker, tmp_path: Path, unique: Callable
):
    """A pod that is killed has another address after it; its partitions must not wait for the session."""
    name = unique("static")
    static = {"DATAFLOW_INSTANCE_ID": ID, "DATAFLOW_SESSION_TIMEOUT_MS": "300000"}
    with (
        running_worker(web_broker.address, tmp_path, name, **static) as first,
        running_worker(web_broker.address, tmp_path, name, DATAFLOW_SESSION_TIMEOUT_MS="300000") as other,
    ):
        for worker in (first, other):
            worker.wait_ready()
        first.wait_counted(SENT)
        first.kill()
        with running_worker(web_broker.address, tmp_path, name, **static) as second:
            second.wait_ready()
            second.wait_counted(SENT)
            other.wait_counted(SENT)  # it asks at the new address


def test_a_session_that_the_broker_refuses_is_named_with_its_limits(tmp_path: Path):
    """It was a line in the log of a worker that was never ready."""
    limits = {"group.min.session.timeout.ms": 1_000, "group.max.session.timeout.ms": 5_000}
    broker = EmbeddedBroker(tmp_path / "broker", properties=limits)
    broker.start()
    try:
        broker.wait_ready()
        with running_worker(broker.address, tmp_path, "long", DATAFLOW_SESSION_TIMEOUT_MS="20000") as worker:
            said = last_words(worker)
    finally:
        broker.kill()
    assert "DATAFLOW_SESSION_TIMEOUT_MS is 20000, which the broker refuses; expected 1000 to 5000" in said


def test_a_worker_that_has_lost_its_group_joins_again_and_says_what_it_cost(
    own_broker: EmbeddedBroker, tmp_path: Path
):
    """Frozen for longer than its session, as by a virtual machine that is moved, with records in hand."""
    rarely = {"DATAFLOW_CHECKPOINT_MS": "60000"}  # what comes after the first checkpoint waits for the next
    kafka = KafkaClient(own_broker.address)
    with running_worker(own_broker.address, tmp_path, "frozen", **rarely) as worker:
        worker.wait_ready()
        for times in (1, 2):
            for stream, events in EVENTS.items():
                kafka.produce(stream, events[:EACH_TIME])
            worker.wait_counted(dict.fromkeys(SENT, times * EACH_TIME))
        os.kill(worker.process.pid, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        os.kill(worker.process.pid, signal.SIGCONT)
        joined = "Worker had lost its group and has joined again"
        worker.wait_for("/readyz", lambda reply: reply.status == 200 and joined in worker.log.read_text())
        [line] = [line for line in worker.log.read_text().splitlines() if joined in line]
        worker.wait_counted(dict.fromkeys(SENT, 2 * EACH_TIME))
    said = json.loads(line)
    assert said["lost_partitions"] == said["partitions"] > 0
    assert len(SENT) * EACH_TIME <= said["records_read_again"] < 2 * len(SENT) * EACH_TIME
    assert said["join_seconds"] < 3  # a session
