"""Workers that are killed, and a coordinator, in; who is taken out of the group, and what is said, out."""

import os
from collections.abc import Iterator
from subprocess import Popen
from types import SimpleNamespace
from typing import Any

import pytest
from group_coordinator import REBALANCING, Coordinator

from dataflow.engine.dead_members import DeadMembers
from dataflow.kafka.offset_commit import GroupMetadata


def watching(coordinator: Coordinator) -> DeadMembers:
    """Return what member `a` looks with."""
    engine: Any = SimpleNamespace(
        loop=None,
        beacon=None,
        app=SimpleNamespace(conf=SimpleNamespace(id="dataflow")),
        options=None,
        group=SimpleNamespace(group_metadata=GroupMetadata(1, "a", None)),
        siblings=SimpleNamespace(client=coordinator),
    )
    return DeadMembers(engine)


def group_of(processes: dict[str, Popen[bytes]]) -> Coordinator:
    """Return the coordinator of these, and of this process."""
    return Coordinator({"a": os.getpid()} | {name: process.pid for name, process in processes.items()})


@pytest.fixture
def processes() -> Iterator[dict[str, Popen[bytes]]]:
    """Return two that run, until they are killed."""
    started = {name: Popen(["sleep", "600"]) for name in ("b", "c")}
    yield started
    for process in started.values():
        process.kill()
        process.wait()


async def test_a_worker_that_dies_in_a_rebalance_is_taken_out_of_it(processes: dict[str, Popen[bytes]]):
    """A rebalance waits for everybody: the death of the first began it, that of the second held it up."""
    coordinator = group_of(processes)
    members = watching(coordinator)
    await members._look()
    for name in ("b", "c"):
        assert name in coordinator.pids
        processes[name].kill()
        processes[name].wait()
        await members._look()
        assert name not in coordinator.pids
        coordinator.state = REBALANCING


async def test_of_a_worker_that_has_left_before_its_end_nobody_says_that_it_was_killed(
    processes: dict[str, Popen[bytes]], caplog: pytest.LogCaptureFixture
):
    """The others learn that it has left by a heartbeat, and see sooner that it has ended."""
    coordinator = group_of(processes)
    members = watching(coordinator)
    await members._look()
    del coordinator.pids["b"]
    for process in processes.values():
        process.kill()
        process.wait()
    await members._look()
    assert [entry.msg.fields["url"] for entry in caplog.records] == ["http://c"]
