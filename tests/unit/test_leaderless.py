"""Leaderless partitions: what brokers say of topics, look by look, in; which ones are waited for out."""

import pytest

from dataflow.engine.leaderless import ELECTION_SECONDS, Leaderless
from dataflow.kafka.topic_states import TopicState


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return one."""
    return Clock()


def look(leaderless: Leaderless, *numbers: int) -> frozenset[int]:
    """Return which of the partitions that have no leader are waited for."""
    states = {"logs": TopicState(4, leaderless=frozenset(numbers)), "other": TopicState(4)}
    found = leaderless.without_elections(states)
    assert found["other"] == states["other"]
    return found["logs"].leaderless


def test_an_election_is_no_fault(clock: Clock):
    """A broker that restarts leaves partitions without a leader for a moment: no stream pauses for that."""
    leaderless = Leaderless(clock)
    assert look(leaderless, 1) == frozenset()
    assert leaderless.is_electing
    clock.now += ELECTION_SECONDS / 2
    assert look(leaderless) == frozenset()
    assert not leaderless.is_electing
    clock.now += ELECTION_SECONDS
    assert look(leaderless, 1) == frozenset(), "it counts from now on"


def test_a_partition_that_stays_without_a_leader_is_said_once(clock: Clock, caplog: pytest.LogCaptureFixture):
    """A look comes every few seconds."""
    leaderless = Leaderless(clock)
    look(leaderless, 1)
    for _ in range(3):
        clock.now += ELECTION_SECONDS
        assert look(leaderless, 1, 2) >= {1}
    assert look(leaderless, 2) == {2}
    assert caplog.text.count("Partition has no leader; waiting for one. topic=logs partition=1") == 1
    assert caplog.text.count("Partition has no leader") == 2
