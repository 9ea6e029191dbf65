"""Agents that raise, dawdle or hang: what they have not finished is never committed."""

import time

import pytest
from chaos.waiting import wait_until

pytestmark = pytest.mark.long

WORK = [b'{"do": "work"}'] * 10
PATIENCE_SECONDS = 3
STOP_SECONDS = 15  # of Faust itself on a busy machine, beyond our patience


@pytest.fixture
def tiny(cluster):
    """Return a cluster where the small app has done ten orders."""
    cluster.kafka.create_topics(["orders", "orders-done"], 1)
    worker = cluster.start_worker("chaos.tiny_app", shutdown_seconds=str(PATIENCE_SECONDS))
    cluster.kafka.produce("orders", WORK)
    wait_until(lambda: len(_done(cluster)) == len(WORK), 30, worker.tail)
    return cluster


def _done(cluster):
    return [read.value for read in cluster.kafka.read_topic("orders-done")]


def _order(cluster, what):
    cluster.kafka.produce("orders", [*WORK, b'{"do": "%s"}' % what])


def _end_while(cluster, what):
    """Ask the worker to end while its agent is at it; return exit code and seconds."""
    worker = cluster.workers[0]
    _order(cluster, what)
    wait_until(lambda: f"has begun to {what.decode()}" in worker.said(), 30, worker.tail)
    began = time.monotonic()
    return worker.stop(), time.monotonic() - began


def test_an_agent_that_raises_stops_the_worker_with_nothing_of_its_batch_out(tiny):
    """Stock Faust restarts the agent and goes on behind the batch: it is lost. A bug must be loud."""
    worker = tiny.workers[0]

    _order(tiny, b"raise")

    assert worker.wait_exit() == 1, worker.tail()
    assert "the agent has met a bug" in worker.said()
    assert len(_done(tiny)) == len(WORK)


def test_a_batch_whose_agent_has_raised_is_read_again_after_a_restart(tiny):
    """Nothing is lost by the bug: once mended, the program goes on where it stood."""
    worker = tiny.workers[0]
    _order(tiny, b"raise")
    worker.wait_exit()

    worker.start()

    assert worker.wait_exit() == 1, worker.tail()
    assert worker.said().count("the agent has met a bug") >= 2
    assert len(_done(tiny)) == len(WORK)


def test_work_in_hand_is_finished_and_committed_before_the_worker_ends(tiny):
    """A deployment must not cost what is nearly done."""
    code, _ = _end_while(tiny, b"dawdle")

    assert code == 0, tiny.tails()
    assert "The agent is through" in tiny.workers[0].said()
    assert len(_done(tiny)) == 2 * len(WORK) + 1


def test_an_agent_that_hangs_does_not_keep_the_worker_from_ending(tiny):
    """An orchestrator would kill it; its batch is left for the next worker."""
    code, seconds = _end_while(tiny, b"hang")

    assert code == 0, tiny.tails()
    assert PATIENCE_SECONDS <= seconds < PATIENCE_SECONDS + STOP_SECONDS
    assert len(_done(tiny)) == len(WORK)
