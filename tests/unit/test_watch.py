"""Watch: a worker that does not get on says why, and is restarted only if that can help."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from harness.relay import Names, relay

from dataflow.demo.broker.ports import free_port
from dataflow.engine.lifecycle import EngineState, Lifecycle
from dataflow.engine.watch import Watch

NAMES = Names("group", "source", "output", "dead")
LIMIT = 60.0


class Clock:
    """A clock that stands until it is set."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
async def listening() -> AsyncIterator[int]:
    """Return a port where somebody listens, and never answers."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def watched(port: int) -> tuple[Watch, Lifecycle, Clock]:
    """Return who watches an engine that is not started, the life cycle of this, and its clock."""
    engine = relay(f"127.0.0.1:{port}", NAMES, stall_seconds=LIMIT).app.engine
    clock = Clock()
    engine.lifecycle = Lifecycle(clock)
    return Watch(engine), engine.lifecycle, clock


async def test_a_recovery_that_does_not_get_on_is_a_stall(listening: int):
    """The broker is there, and this worker waits for something that does not come: a restart may help."""
    watch, lifecycle, clock = watched(listening)
    lifecycle.enter(EngineState.RECOVERING, "start")
    for clock.now in (LIMIT - 1, LIMIT + 3):
        await watch._judge()
        assert watch.is_stalled is (clock.now > LIMIT)


async def test_a_recovery_that_gets_on_slowly_is_none(listening: int):
    """Large tables take longer to restore than any limit; every record that is read is progress."""
    watch, lifecycle, clock = watched(listening)
    lifecycle.enter(EngineState.RECOVERING, "start")
    for clock.now in (LIMIT - 1, 2 * LIMIT - 2, 3 * LIMIT - 3):
        lifecycle.note_progress()
        await watch._judge()
        assert not watch.is_stalled


async def test_no_broker_is_none():
    """It is waited for as long as it takes: a restart would not bring it back."""
    watch, lifecycle, clock = watched(free_port())
    lifecycle.enter(EngineState.RECOVERING, "start")
    clock.now = LIMIT + 3
    await watch._judge()
    assert not watch.is_stalled


async def test_a_worker_without_work_is_none(listening: int):
    """At night nothing comes, and nothing is committed."""
    watch, lifecycle, clock = watched(listening)
    lifecycle.enter(EngineState.RECOVERING, "start")
    lifecycle.enter(EngineState.RUNNING, "nothing is assigned")
    clock.now = LIMIT + 3
    await watch._judge()
    assert not watch.is_stalled


def test_a_life_cycle_says_what_it_waits_for_and_what_has_gone_wrong():
    """That, and since when, is what somebody wants to know who sees that it is not ready."""
    clock = Clock()
    lifecycle = Lifecycle(clock)
    lifecycle.enter(EngineState.RECOVERING, "checkpoint has failed")
    lifecycle.wait("a new producer", TimeoutError("no answer"))
    lifecycle.wait("the group")
    clock.now = 12.4
    assert str(lifecycle) == (
        "recovering (checkpoint has failed) for 12 s and waits for the group; "
        "the last error was TimeoutError('no answer')"
    )
    lifecycle.enter(EngineState.RUNNING, "partitions are recovered")
    assert str(lifecycle) == "running (partitions are recovered) for 0 s"


async def test_topics_are_not_looked_at_before_there_is_a_producer():
    """A worker that waits for its broker for long must not end by looking."""
    watch, _, _ = watched(free_port())
    await watch._look_at_topics()
    assert watch.obstacle is not None
