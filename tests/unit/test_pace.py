"""Pace: when a checkpoint began and ended, and what it wrote to, in; how long the next one waits out."""

import pytest

from dataflow.engine.pace import CheckpointPace

SHORTEST = 0.1


def paced(took: float = 0.01, partition_batches: int = 12) -> CheckpointPace:
    """Return the pace after a checkpoint that began at 1,000 s."""
    pace = CheckpointPace(SHORTEST)
    pace.written(1_000.0, 1_000.0 + took, partition_batches)
    return pace


def wait_at(pace: CheckpointPace, now: float, since: float = 0.0, **state: bool) -> float:
    """Return how long the next checkpoint waits."""
    return pace.pause(now, since, **{"in_progress": False, "is_full": False} | state)


def test_the_first_event_after_a_pause_is_written_at_once():
    """A fixed interval lets a lone event wait for half of it, for nothing."""
    assert wait_at(paced(), 1_000.5) <= 0


def test_under_load_checkpoints_begin_an_interval_apart():
    """Each costs round trips and fsyncs of the broker, however little it writes."""
    assert wait_at(paced(), 1_000.02) == pytest.approx(0.08)


@pytest.mark.parametrize(("partition_batches", "interval"), [(12, SHORTEST), (192, 0.192), (768, 0.768)])
def test_the_more_partitions_are_written_to_the_rarer_checkpoints_are(
    partition_batches: int, interval: float
):
    """With 64 partitions each writes 192 small batches: every 100 ms the broker does not keep up."""
    assert paced(partition_batches=partition_batches).interval == pytest.approx(interval)


@pytest.mark.parametrize(("members", "interval"), [(1, SHORTEST), (40, SHORTEST), (200, 0.5), (1_000, 2.5)])
def test_the_more_members_a_group_has_the_rarer_checkpoints_are(members: int, interval: float):
    """All of them commit at one broker, which is the group's coordinator."""
    pace = CheckpointPace(SHORTEST)
    pace.members = members
    pace.written(1_000.0, 1_000.01, 12)
    assert pace.interval == pytest.approx(interval)


def test_a_slow_broker_gets_a_rest():
    """Back to back, checkpoints would keep a broker down that is slow already."""
    assert wait_at(paced(took=0.4), 1_000.4) == pytest.approx(0.2)


def test_one_very_slow_checkpoint_is_not_followed_by_as_long_a_pause():
    """The first ones on new topics take seconds; what is finished must not wait for seconds more."""
    assert wait_at(paced(took=6.0), 1_006.0) == pytest.approx(0.25)


def test_batches_in_progress_are_waited_for_for_a_moment():
    """Of a fetch with four partitions, one that begins after the first leaves three to the next."""
    pace = paced()
    assert wait_at(pace, 1_000.5, since=1_000.5, in_progress=True) == pytest.approx(0.025)
    assert wait_at(pace, 1_000.53, since=1_000.5, in_progress=True) <= 0
    assert wait_at(pace, 1_000.51, since=1_000.5, in_progress=False) <= 0


def test_batches_in_progress_are_waited_for_from_when_the_next_is_due():
    """What was finished just after the last checkpoint has waited; the others may have just begun."""
    assert wait_at(paced(), 1_000.1, since=1_000.01, in_progress=True) == pytest.approx(0.025)


def test_nothing_is_waited_for_when_memory_is_full():
    """Partitions would pause otherwise."""
    assert wait_at(paced(), 1_000.01, in_progress=True, is_full=True) <= 0
