"""The engine as a model: whatever comes in between, what is committed is what a plain loop would give."""

import asyncio
import logging
import os
from collections import Counter
from contextlib import ExitStack
from unittest.mock import patch

import orjson
import pytest
from aiokafka.structs import TopicPartition
from faust.types import TP
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from model import memory_clients
from model.memory_broker import MemoryBroker
from model.memory_clients import Fate, MemoryProducer
from model.memory_worker import APP, DEAD, OUTPUT, PARTITIONS, SOURCE, BuggyAgent, MemoryWorker
from model.virtual_loop import VirtualLoop
from partition_bench import AT, PER_KIND
from table_parts import merge_entries, part_of

from dataflow.engine.state import PartitionState
from dataflow.engine.tables import ALL

NAMES = ("a", "b")
TPS = tuple(TP(SOURCE, number) for number in range(PARTITIONS))
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "100"))
GARBAGE = b"no JSON"

workers = st.sampled_from(NAMES)
tps = st.sampled_from(TPS)
any_of = st.integers(0, 1)
shares = st.lists(any_of, min_size=PARTITIONS, max_size=PARTITIONS)


async def _no_ids(*_: object, **__: object) -> dict[str, str]:
    return {}


async def _no_groups(*_: object) -> list[str]:
    return []


async def _as_it_is(error: BaseException, *_: object) -> BaseException:
    return error


REPLACED = {
    "dataflow.kafka.managed_producer.TransactionalProducer": MemoryProducer,
    "dataflow.kafka.managed_producer.drop": memory_clients.drop,
    "dataflow.kafka.managed_producer.explain": _as_it_is,
    "dataflow.engine.recovery.stable_offsets": memory_clients.stable_offsets,
    "dataflow.engine.recovery.last_committers": memory_clients.last_committers,
    "dataflow.engine.recovery.topic_ids": _no_ids,
    "dataflow.engine.truncation.committed_epochs": _no_ids,
    "dataflow.engine.truncation.ends_of_epochs": _no_ids,
    "dataflow.engine.topic_identity.topic_ids": _no_ids,
    "dataflow.engine.sibling_groups.list_groups": _no_groups,
    "dataflow.engine.topic_inspector.topic_states": _no_ids,
    "dataflow.engine.restore.reader": memory_clients.reader,
    "dataflow.engine.restore.client_of": lambda consumer: consumer,
    "dataflow.engine.restore.topic_ids": _no_ids,
    "dataflow.engine.restore.read_up_to": memory_clients.read_up_to,
    "dataflow.engine.checkpoint.led_partition": memory_clients.led_partition,
}
"""Where the engine calls Kafka; nothing of our own is replaced but these calls."""


class EngineMachine(RuleBasedStateMachine):
    """Two workers of one group, with two partitions."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.broker = MemoryBroker()
        self.workers: dict[str, MemoryWorker] = {}
        self.sent = 0

    @initialize()
    def begin(self) -> None:
        """Start all, and share the partitions out."""
        for name in NAMES:
            self._start(name)
        self.rebalance([0, 1])
        for tp in TPS:
            self.produce(tp, ["a", "b"])
            self.pass_on(tp, commit=True)
            self.produce(tp, ["b", None])

    def _start(self, name: str) -> None:
        self.workers[name] = MemoryWorker(name, self.broker, self.loop)
        self.workers[name].start()
        self.loop.settle()

    # -- events come, and go their way

    @rule(tp=tps, kinds=st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=4))
    def produce(self, tp: TP, kinds: list[str | None]) -> None:
        """Write events; None stands for garbage."""
        for kind in kinds:
            self.sent += 1
            value = GARBAGE if kind is None else orjson.dumps({"kind": kind, "at": AT, "n": self.sent})
            self.broker.produce(TopicPartition(*tp), value, AT)

    @rule(which=any_of, tp=tps, most=st.integers(1, 3))
    def fetch(self, which: int, tp: TP, most: int) -> None:
        """Fetch some of who believes to own it: more than one may."""
        owners = [worker for worker in self.workers.values() if tp in worker.engine.partitions]
        if owners:
            owners[which % len(owners)].fetch(tp, most)

    @precondition(lambda self: any(worker.fetched for worker in self.workers.values()))
    @rule(which=any_of)
    def hand_out(self, which: int) -> None:
        """Hand out what was fetched, maybe in another session."""
        fetched = [worker for worker in self.workers.values() if worker.fetched]
        fetched[which % len(fetched)].hand_out()
        self.loop.settle()

    @precondition(lambda self: any(worker.is_busy for worker in self.workers.values()))
    @rule(which=any_of)
    def finish(self, which: int) -> None:
        """Let an agent finish its batch."""
        busy = [worker for worker in self.workers.values() if worker.is_busy]
        busy[which % len(busy)].finish()
        self.loop.settle()

    @rule(name=workers)
    def checkpoint(self, name: str) -> None:
        """Begin a checkpoint."""
        worker = self.workers[name]
        worker.do(worker.engine.checkpoint())
        self.loop.settle()

    @rule(tp=tps, commit=st.booleans())
    def pass_on(self, tp: TP, *, commit: bool) -> None:
        """Fetch and finish, and mostly commit."""
        for name, worker in self.workers.items():
            worker.fetch(tp, 3)
            while worker.fetched:
                worker.hand_out()
                self.loop.settle()
            worker.finish()
            self.loop.settle()
            if commit:
                self.checkpoint(name)

    # -- what the group does

    @rule(owners=shares | st.none())
    def rebalance(self, owners: list[int] | None) -> None:
        """Tell all members that hear it to give up what they own, and share it out, at once or later."""
        for worker in self.workers.values():
            if not worker.line.is_held and not worker.has_failed and worker.revoking is None:
                worker.revoke()
        self.loop.settle()
        if owners is not None:
            self.loop.advance(1.2)  # however long an agent takes, it is not waited for any more
            self.share_out(owners)

    @precondition(lambda self: any(worker.revoking for worker in self.workers.values()))
    @rule(owners=shares)
    def share_out(self, owners: list[int]) -> None:
        """Begin a generation of those that have given up theirs; others are members no more."""
        ready = [w for w in self.workers.values() if w.revoking is not None and w.revoking.done()]
        if not ready:
            return
        self.broker.generation += 1
        self.broker.members = {f"{worker.name}-{id(worker)}" for worker in ready}
        for worker in ready:
            mine = {tp for tp, owner in zip(TPS, owners, strict=True) if ready[owner % len(ready)] is worker}
            worker.assign(self.broker.generation, mine)
        self.loop.settle()

    @rule(name=workers)
    def recover_again(self, name: str) -> None:
        """Begin another session without a rebalance, as where a topic was looked at again."""
        worker = self.workers[name]
        worker.do(worker.engine.recover_again("a topic has changed"))
        self.loop.settle()

    # -- what goes wrong

    @rule(name=workers)
    def hold(self, name: str) -> None:
        """Let its requests wait: it is frozen, or the network is."""
        self.workers[name].line.is_held = True

    @rule(name=workers, fate=st.sampled_from(Fate))
    def let(self, name: str, fate: Fate) -> None:
        """Decide on one of its requests."""
        self.workers[name].line.let(fate)
        self.loop.settle()

    @rule(name=workers)
    def release(self, name: str) -> None:
        """Let its requests go on: a zombie wakes up."""
        self.workers[name].line.release()
        self.loop.advance(0.5)

    @rule(name=workers, how=st.sampled_from(["kill", "fence", "bug"]))
    def break_down(self, name: str, how: str) -> None:
        """Kill it; or end its transaction, as its timeout does; or let its agent raise an error."""
        if how == "kill":
            self.kill(name)
        elif how == "fence":
            self.broker.init_producer(f"{APP}-{name}")
        else:
            self.workers[name].finish(BuggyAgent("a bug"))
            self.loop.settle()

    def kill(self, name: str) -> None:
        """Start another one in its place, which joins the group with the next rebalance."""
        self.workers[name].kill()
        self.loop.settle()
        self._start(name)

    @rule(seconds=st.sampled_from([0.1, 1.5, 12.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.advance(seconds)

    # -- what must hold

    @invariant()
    def nothing_unexpected_is_raised(self) -> None:
        """Raise what the engine has not dealt with, whatever has become of Kafka."""
        for worker in self.workers.values():
            for error in worker.bugs:
                raise error
            assert worker.has_failed or not worker.engine.crashed, worker.engine.crash_reason

    @invariant()
    def committed_is_what_a_loop_would_give(self) -> None:
        """Compare outputs, dead letters, counts and tables with the events before the committed offset."""
        for tp in TPS:
            kafka_tp = TopicPartition(*tp)
            at = self.broker.committed.get(kafka_tp)
            done = [r.value or b"" for r in self.broker.visible(kafka_tp)[: at.offset if at else 0]]
            good = [orjson.loads(value) for value in done if value != GARBAGE]
            outputs = self.broker.visible(TopicPartition(OUTPUT, tp.partition))
            assert [orjson.loads(r.value or b"")["n"] for r in outputs] == [event["n"] for event in good]
            letters = self.broker.visible(TopicPartition(DEAD, tp.partition))
            assert len(letters) == len(done) - len(good)
            self._check_changelog(tp, len(done), Counter(event["kind"] for event in good))

    def _check_changelog(self, tp: TP, position: int, kinds: Counter[str]) -> None:
        state = PartitionState.of([PER_KIND])
        records = self.broker.visible(TopicPartition(f"{APP}-{SOURCE}-changelog", tp.partition))
        state.load((r.key or b"", r.value) for r in records)
        assert not state.faults
        assert (state.position or 0) == position
        assert (state.event_counts.received, state.event_counts.sent) == (position, kinds.total())
        windows = merge_entries(PER_KIND, ALL, [part_of(state.table_partitions["per_kind"], ALL)])
        assert {e["key"]: e["count"] for window in windows for e in window["entries"]} == kinds

    def teardown(self) -> None:
        """Heal all, and see that everything is done in the end."""
        try:
            if self.workers:
                self._heal()
                self.committed_is_what_a_loop_would_give()
                for tp in TPS:
                    kafka_tp = TopicPartition(*tp)
                    assert self.broker.committed[kafka_tp].offset == len(self.broker.logs[kafka_tp])
        finally:
            for worker in self.workers.values():
                worker.kill()
            self.loop.settle()
            self.loop.close()

    def _heal(self) -> None:
        for name, worker in self.workers.items():
            worker.line.release()
            if worker.has_failed:
                self.kill(name)
        self.loop.advance(15)
        for _ in range(3):
            for worker in self.workers.values():
                worker.finish()
            self.loop.advance(2)
        self.rebalance(None)
        self.loop.advance(2)
        self.share_out([0, 1])
        self.loop.advance(15)
        self._drive()

    def _drive(self) -> None:
        for _ in range(60):
            for tp in TPS:
                self.pass_on(tp, commit=True)
            self.loop.advance(0.1)
            if all(
                (at := self.broker.committed.get(TopicPartition(*tp)))
                and at.offset == len(self.broker.logs[TopicPartition(*tp)])
                for tp in TPS
            ):
                return


@pytest.mark.timeout(900)  # seconds of work, on a machine that may have much to do
def test_every_interleaving_commits_what_a_loop_over_the_log_would_give():
    """Fetch, process, checkpoint, revoke, assign, fail, fence: they meet in orders nobody writes down."""
    logging.disable(logging.CRITICAL)
    try:
        with ExitStack() as stack:
            for name, replacement in REPLACED.items():
                stack.enter_context(patch(name, replacement))
            run_machine(
                EngineMachine,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        logging.disable(logging.NOTSET)
        asyncio.set_event_loop(None)
