"""Every long-running task of a worker, killed: it is replaced, or the worker ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from harness.relay import Names, Relay, events, relay, start, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.engine import Engine

pytestmark = pytest.mark.long

REQUEST_SECONDS = 40  # after which a connection whose answers nobody reads is given up
CHECKPOINT_SECONDS = 3.0  # in place of a minute: what hangs is replaced by then

MAIN = (
    "AIOKafkaClient._md_synchronizer",
    "AIOKafkaConnection._read",
    "Agent._execute_actor",
    "Conductor._subscriber",
    "Consumer._commit_handler",
    "Consumer._commit_livelock_detector",
    "DeadMembers._watch",
    "Engine._checkpoint_when_due",
    "Engine._upkeep",
    "Fetcher._fetcher",
    "GroupWatch._watch",
    "MethodQueueWorker._method_queue_do_work",
    "Monitor._sampler",
    "ProducerBuffer._handle_pending",
    "Rebuilds._rebuild",
    "Recovery._publish_stats",
    "Recovery._restart_recovery",
    "Recovery._slurp_changelogs",
    "Sender._sender_routine",
    "SupervisorStrategy._supervisor",
    "Watch._watch",
    "Watch._watch_topics",
)
THREAD = (
    "AIOKafkaClient._md_synchronizer",
    "AIOKafkaConnection._read",
    "Fetcher._fetch_requests_routine",
    "GroupCoordinator._commit_refresh_routine",
    "GroupCoordinator._coordination_routine",
    "GroupCoordinator._heartbeat_routine",
    "MethodQueueWorker._method_queue_do_work",
    "ServiceThread._keepalive2",
    "ServiceThread._serve",
    "ServiceThread._thread_keepalive",
)
OF_A_MOMENT = {"BatchConsumerThread.fetch", "Event.wait", "Fetcher._proc_fetch_request", "ThrowableQueue.get"}
"""What these run for, they are started anew each time."""


def name_of(task: asyncio.Task[object]) -> str:
    """Return what a task runs: a service of mode wraps it."""
    coroutine = getattr(task, "__wrapped__", None) or task.get_coro()
    return str(getattr(coroutine, "__qualname__", "Agent._execute_actor"))


@pytest.fixture
async def worker(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Relay]:
    """Return a worker that has counted a hundred events."""
    monkeypatch.setattr(Engine.checkpoint, "__defaults__", (CHECKPOINT_SECONDS,))
    kafka.produce(names.source, events(range(100)))
    worker = relay(broker.address, names)
    await start(worker)
    await until(lambda: worker.received == 100, "all events")
    yield worker
    with suppress(Exception):
        await asyncio.wait_for(worker.app.stop(), 10)


@pytest.fixture
async def of_the_tests() -> set[asyncio.Task[object]]:
    """Return the tasks that there are before a worker."""
    return asyncio.all_tasks()


def tasks_of(worker: Relay, others: set[asyncio.Task[object]], *, thread: bool) -> list[asyncio.Task[object]]:
    """Return the tasks of a worker in its main loop, or in its consumer's."""
    if thread:
        return list(asyncio.all_tasks(worker.app.consumer.thread.thread_loop))
    return [task for task in asyncio.all_tasks() if task not in others | {asyncio.current_task()}]


def has_ended(worker: Relay) -> bool:
    """Tell whether the worker goes down; `test_worker_ends.py` has the exit codes."""
    return bool(worker.app.crashed or worker.app.engine.lifecycle.has_failed)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("thread", "name"), [*((False, name) for name in MAIN), *((True, name) for name in THREAD)]
)
async def test_a_killed_task_is_replaced_or_ends_the_worker(
    thread: bool,
    name: str,
    of_the_tests: set[asyncio.Task[object]],
    worker: Relay,
    kafka: KafkaClient,
    names: Names,
):
    """Whoever watches the worker sees its exit; nobody sees a task that is not there."""
    killed = [task for task in tasks_of(worker, of_the_tests, thread=thread) if name_of(task) == name]
    assert killed
    for task in killed:
        task.get_loop().call_soon_threadsafe(task.cancel)
    await asyncio.sleep(0.1)
    kafka.produce(names.source, events(range(100, 200)))
    await until(
        lambda: has_ended(worker) or worker.received == 200, "the end, or all events", REQUEST_SECONDS + 30
    )


async def test_no_long_running_task_is_left_out(of_the_tests: set[asyncio.Task[object]], worker: Relay):
    """Of a new task somebody has to find out what becomes of the worker without it."""
    for thread, expected in ((False, MAIN), (True, THREAD)):
        running = {name_of(task) for task in tasks_of(worker, of_the_tests, thread=thread)}
        assert running - OF_A_MOMENT == set(expected)
