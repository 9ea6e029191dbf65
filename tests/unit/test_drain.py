"""Draining: agents and the checkpoint behind them have one time together, and so has one under way."""

import asyncio
from collections.abc import Callable

import pytest
from harness.relay import Names, relay

from dataflow.engine.engine import CHECKPOINT_LIMIT_SECONDS, Engine

NAMES = Names("group", "source", "output", "dead")
SECONDS = 0.4


@pytest.fixture
def engine() -> Engine:
    """Return an engine that is not started."""
    return relay("127.0.0.1:1", NAMES, drain_timeout_seconds=SECONDS).app.engine


@pytest.mark.parametrize(
    ("batches_seconds", "least", "most"), [(0.0, 0.3, 0.4), (0.15, 0.2, 0.26), (9, 0.2, 0.2)]
)
async def test_a_checkpoint_has_what_agents_have_left_of_the_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, batches_seconds: float, least: float, most: float
):
    """Each had all of it: a worker took twice as long as its operator had set."""
    limits: list[float] = []

    async def note(limit_seconds: float) -> None:
        limits.append(limit_seconds)

    ended_at = engine.loop.time() + batches_seconds
    monkeypatch.setattr(engine.assignment, "has_batches_in_progress", lambda: engine.loop.time() < ended_at)
    monkeypatch.setattr(engine, "checkpoint", note)
    await engine.drain()
    assert len(limits) == 1
    assert least <= limits[0] <= most


def hanging(entered: asyncio.Event) -> Callable[..., object]:
    """Return a checkpoint that does not end by itself."""

    async def write(*_: object) -> int:
        entered.set()
        await asyncio.Event().wait()
        return 0

    return write


@pytest.mark.parametrize("is_end", [True, False])
async def test_a_checkpoint_under_way_is_cut_off_at_the_end_and_waited_for_by_a_rebalance(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, is_end: bool
):
    """A broker that hangs kept a worker for a minute after SIGTERM; another member can wait."""
    entered, errors = asyncio.Event(), []
    monkeypatch.setattr("dataflow.engine.engine.write_checkpoint", hanging(entered))
    monkeypatch.setattr(engine.assignment, "uncommitted", lambda: [] if errors else [object()])
    monkeypatch.setattr(engine, "fail", errors.append)
    engine.producer._current = object()
    engine.producer.ready.set()
    writing = asyncio.create_task(engine.checkpoint())
    await entered.wait()
    if is_end:
        engine.app._stopped.set()
    draining = asyncio.create_task(engine.drain())
    done, _ = await asyncio.wait([draining], timeout=60 if is_end else 2 * SECONDS)
    assert bool(done) is is_end
    assert [type(error) for error in errors] == [TimeoutError] * is_end
    if not is_end:
        assert engine.write_deadline.timeout.when() > engine.loop.time() + CHECKPOINT_LIMIT_SECONDS / 2
    for task in (writing, draining):
        task.cancel()
    await asyncio.gather(writing, draining, return_exceptions=True)
