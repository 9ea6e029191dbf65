"""Leaving: a static member stays in its group over a restart, and leaves it when it is told to."""

import subprocess
import sys
from pathlib import Path

import pytest
from chaos.cluster import Cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from confluent_kafka.admin import AdminClient
from harness.pod_account import pod_account

pytestmark = pytest.mark.long

SESSION_MS = 600_000
"""None of the members is missed meanwhile."""


def members(cluster: Cluster) -> set[str]:
    """Return the instance ids of the group."""
    admin = AdminClient({"bootstrap.servers": cluster.broker.address})
    group = admin.describe_consumer_groups(["dataflow"])["dataflow"].result(30)
    return {member.group_instance_id for member in group.members}


def leave(environment: dict[str, str], *names: str) -> tuple[int, str]:
    """Run `dataflow leave` where the worker of this environment runs."""
    command = [sys.executable, "-m", "dataflow", "leave", *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_worker_that_is_told_so_leaves_and_others_have_its_partitions_at_once(cluster):
    """Its partitions stood still for a session; one that restarts must keep them."""
    names = [f"enrich-{number}" for number in range(3)]
    settings = {"session_timeout_ms": str(SESSION_MS), "role": "enrich"}
    workers = [cluster.start_worker(instance_id=name, **settings) for name in names]
    for worker in workers:
        worker.wait_ready()
    wait_until(lambda: members(cluster) == {*names}, 60, lambda: f"{names}, but {members(cluster)}")

    assert workers[1].stop() == 0
    assert members(cluster) == {*names}, "it may come back"
    assert leave(workers[0].environment, "enrich-1") == (
        0,
        "Worker enrich-1 has left group dataflow.\n",
    )
    assert "enrich-1" not in members(cluster)
    code, said = leave(workers[0].environment, "enrich-1")
    assert (code, "group dataflow has no member enrich-1; expected" in said) == (1, True), said

    assert leave(workers[2].environment) == (0, "Worker enrich-2 will leave its group when it ends.\n")
    workers[2].wait_ready()  # it works until it is ended; the other has left a rebalance behind
    assert workers[2].stop() == 0
    assert members(cluster) == {"enrich-0"}

    wait_has_all(workers[0])


def wait_has_all(worker: Worker) -> None:
    """Wait until a worker answers for all partitions."""

    def has_all() -> bool:
        status, answer = worker.ask("/streams")
        return status == 200 and not any(each["missing"] for each in answer["partitions"].values())

    wait_until(has_all, 60, lambda: f"all partitions at one worker: {worker.ask('/streams')}")


def test_a_pod_that_is_scaled_in_leaves_by_itself_and_one_that_restarts_stays(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Both get SIGTERM; the partitions of the one stood still for a session. Of a refusal a warning tells."""
    account = tmp_path / "account"
    account.mkdir()
    with pod_account(account) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        monkeypatch.setenv("POD_ACCOUNT", str(account))
        settings = {"app": "chaos.pod_app", "session_timeout_ms": str(SESSION_MS), "role": "enrich"}
        names = ["dataflow-enrich-0", "dataflow-enrich-1", "dataflow-enrich-2", "other-0"]
        workers = [cluster.start_worker(instance_id=name, **settings) for name in names]
        for worker in workers:
            worker.wait_ready()
        api.replicas = 2  # and the set ends the pod with the highest number
        for worker in workers[1:]:
            assert worker.stop() == 0, worker.tail()
    assert members(cluster) == {*names} - {"dataflow-enrich-2"}
    told = "Nobody says whether this pod comes back"
    assert [told in worker.said() for worker in workers[1:]] == [False, False, True]
    code, said = leave(workers[0].environment, "dataflow-enrich-1", "other-0")
    assert code == 0, said
    wait_has_all(workers[0])


def test_partitions_of_killed_workers_do_not_stand_still_for_a_session(cluster):
    """They did for ten seconds, and events with them; here a session would outlast the test."""
    workers = [cluster.start_worker(session_timeout_ms=str(SESSION_MS), role="enrich") for _ in range(4)]
    for worker in workers:
        worker.wait_ready()
    wait_until(lambda: cluster.owners() == len(workers), 60, lambda: f"four owners; {cluster.tails()}")

    for killed in workers[1:3]:
        killed.kill()
    wait_has_all(workers[0])
    wait_has_all(workers[3])

    assert all(worker.process.poll() is None for worker in (workers[0], workers[3]))
