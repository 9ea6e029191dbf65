"""Offsets that a sink commits: never unknown, never back, whatever comes in between."""

import asyncio
from collections.abc import Coroutine

import pytest
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule
from sinks.sink_group import Group, GroupOffsets

from dataflow.errors import SinkUnavailable
from dataflow.sinks.configured import RunnerOptions
from dataflow.sinks.runner_partition import SinkPartition
from dataflow.sinks.runner_position import SinkPosition

TP = TopicPartition("events", 0)


def done(step: Coroutine[object, object, object]) -> None:
    """Run a step that waits for nothing; faults of Kafka are what happens at any time."""
    try:
        step.send(None)
    except (StopIteration, KafkaError):
        return
    raise AssertionError("a step has waited")


class SinkCommits(RuleBasedStateMachine):
    """Workers that join, lose their session, come back, read, store and stop, in any order.

    Old positions go on as those of a frozen worker do. `Group` keeps the rules of a broker and
    refuses no test: it raises `AssertionError` for a commit that goes back.
    """

    workers: Bundle[GroupOffsets] = Bundle("workers")
    positions: Bundle[SinkPosition] = Bundle("positions")

    @initialize(committed=st.integers(-1, 50), log_begin=st.integers(0, 20))
    def a_group(self, committed: int, log_begin: int) -> None:
        """Begin anywhere: with or without a committed offset."""
        self.group = Group(committed, log_begin)

    @rule(target=workers)
    def start(self) -> GroupOffsets:
        """Start a worker that is no member yet."""
        return GroupOffsets(self.group)

    @rule(target=positions, worker=workers)
    def assign(self, worker: GroupOffsets) -> SinkPosition:
        """Assign the partition to a worker, as a rebalance does."""
        self.group.rebalance(worker)
        return SinkPosition(TP, worker)

    @rule(worker=workers)
    def lose_session(self, worker: GroupOffsets) -> None:
        """Let the group forget a member; it finds out by itself."""
        self.group.forget(worker)
        worker.lose_session()

    @rule(worker=workers)
    def stop(self, worker: GroupOffsets) -> None:
        """Leave the group."""
        self.group.forget(worker)

    @rule(position=positions, fails=st.booleans())
    def read_committed(self, position: SinkPosition, fails: bool) -> None:
        """Ask where to begin; the coordinator may not answer."""
        position._offsets.fails = fails
        done(position.find())
        position._offsets.fails = False

    @rule(position=positions, records=st.integers(1, 30), buffered=st.integers(0, 10))
    def store_and_commit(self, position: SinkPosition, records: int, buffered: int) -> None:
        """Store the next records, keep some of them back, and commit."""
        if position.is_known:
            position.consumed += records
            done(position.commit(position.consumed - buffered))

    @rule(position=positions)
    def fail(self, position: SinkPosition) -> None:
        """Note an outage beside the offset."""
        done(position.note_failure(SinkUnavailable("away")))

    @rule(position=positions, records=st.integers(1, 30))
    def commit_without_hearing_of_it(self, position: SinkPosition, records: int) -> None:
        """Lose the answer of a commit that the broker has made."""
        position._offsets.loses_answers = True
        self.store_and_commit(position, records, 0)
        position._offsets.loses_answers = False

    @rule(position=consumes(positions))
    def revoke(self, position: SinkPosition) -> None:
        """Let the task of a partition end."""


TestSinkCommits = SinkCommits.TestCase


def test_a_fault_before_the_position_is_known_commits_nothing():
    """Two idle workers that stopped one after the other took every partition back to offset 0."""
    group = Group(333_315)
    worker = GroupOffsets(group)
    group.rebalance(worker)
    worker.fails = True
    partition = SinkPartition(TP, "memory", None, worker, RunnerOptions("app", {}, first_pause_seconds=0.01))

    async def serve_in_vain() -> None:
        serving = asyncio.create_task(partition.serve())
        async with asyncio.timeout(60):
            while worker.asked < 3:  # noqa: ASYNC110  # the task asks
                await asyncio.sleep(0.01)
        partition.drain()
        await serving

    asyncio.run(serve_in_vain())
    assert group.commits == []
    assert "coordinator is away" in partition.note.error


def test_nobody_may_commit_even_where_a_broker_would_let_nobody():
    """The group has no members: Kafka takes any offset then, even an old one."""
    group = Group(100)
    frozen, successor = GroupOffsets(group), GroupOffsets(group)
    group.rebalance(frozen)
    position = SinkPosition(TP, frozen)
    done(position.find())
    group.rebalance(successor)
    later = SinkPosition(TP, successor)
    done(later.find())
    later.consumed = 200
    done(later.commit(200))
    group.forget(successor)
    frozen.lose_session()
    position.consumed = 150
    with pytest.raises(CommitFailedError):
        position.commit(150).send(None)
    assert group.committed == OffsetAndMetadata(200, "")
