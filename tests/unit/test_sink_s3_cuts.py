"""Where the blocks of the archive end, and what their objects are called."""

from itertools import pairwise

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from dataflow.sinks.s3.cuts import CutRules, Extent, ObjectLine
from dataflow.sinks.s3.object_writer import HOUR_MS, object_key


def lines(*arrived_ms: int, size: int = 10) -> list[ObjectLine]:
    """Return lines at the offsets 0, 1, 2, ..."""
    return [ObjectLine(offset, at, 0, b"x" * size) for offset, at in enumerate(arrived_ms)]


def begins(rules: CutRules, waiting: list[ObjectLine]) -> list[int]:
    """Return the first offset of every block."""
    found = []
    while waiting:
        extent = Extent(rules, waiting[0])
        found.append(extent.first_offset)
        waiting = waiting[extent.reach(waiting) :]
    return found


def test_a_key_tells_hour_and_origin():
    """Query engines find the day by the names of Hive; a person finds the record."""
    hour = 1_790_000_000_000 // HOUR_MS
    tp = TopicPartition("cdn-logs-filtered", 3)
    expected = "year=2026/month=09/day=21/hour=14/cdn-logs-filtered-3-41.ndjson.gz"
    assert object_key("logs", hour, tp, 41, ".ndjson.gz") == f"logs/{expected}"
    assert object_key("", hour, tp, 41, ".ndjson.gz") == expected


def test_a_block_ends_at_multiples_of_an_offset():
    """Two readers who began at different offsets soon agree."""
    waiting = [ObjectLine(offset, 0, 0, b"x") for offset in (7, 9, 10, 25, 29, 30)]
    assert begins(CutRules(records=10), waiting) == [7, 10, 25, 30]


def test_a_block_ends_before_it_grows_too_large():
    """A record larger than a block is one by itself."""
    waiting = [*lines(0, 0, 0, 0), ObjectLine(4, 0, 0, b"x" * 99), ObjectLine(5, 0, 0, b"x")]
    assert begins(CutRules(raw_bytes=20), waiting) == [0, 2, 4, 5]


@pytest.mark.parametrize(("late_ms", "expected"), [(HOUR_MS - 1, [0]), (HOUR_MS, [0, 16])])
def test_a_block_ends_when_an_hour_has_passed(late_ms, expected):
    """A slow topic would wait for its hundred thousandth record for years, and Kafka forgets in a week."""
    assert begins(CutRules(), lines(*[0] * 16, late_ms)) == expected


def test_a_few_records_are_not_cut_by_time():
    """So few do not tell whether time goes forward in this log at all."""
    assert begins(CutRules(), lines(*[0] * 15, HOUR_MS, 5 * HOUR_MS)) == [0, 16]


def test_a_history_in_disorder_is_not_cut_by_time():
    """Else each block would end with the first record that is an hour later: objects of two records."""
    shuffled = [number * 7_919 % 1_000 * HOUR_MS for number in range(500)]
    assert begins(CutRules(), lines(*shuffled)) == [0]


def test_it_is_known_without_a_further_record_that_a_block_ends():
    """The last block of a topic that stands still need not wait."""
    extent = Extent(CutRules(records=10), ObjectLine(17, 0, 0, b"x"))
    assert not extent.ends_by(19)
    assert extent.ends_by(20)


@given(
    gaps=st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 2 * HOUR_MS), st.integers(1, 40)), max_size=120
    ),
    cuts=st.lists(st.integers(0, 120)),
    resumed=st.integers(0, 30),
)
def test_blocks_are_the_same_however_the_records_come(gaps, cuts, resumed):
    """A replay gets other batches, and begins anew at any block: the objects must be the same."""
    rules, waiting, offset, at = CutRules(records=50, raw_bytes=600), [], 0, 0
    for step, later, size in gaps:
        offset, at = offset + step, at + later
        waiting.append(ObjectLine(offset, at, 0, b"x" * size))
    whole = begins(rules, waiting)
    found = []
    extent = None
    for start, end in pairwise(sorted({0, len(waiting), *(cut for cut in cuts if cut < len(waiting))})):
        batch = waiting[start:end]
        while batch:
            if extent is None:
                extent = Extent(rules, batch[0])
                found.append(extent.first_offset)
            taken = extent.reach(batch)
            batch = batch[taken:]
            extent = None if batch else extent
    assert found == whole
    if resumed < len(whole):
        rest = [line for line in waiting if line.offset >= whole[resumed]]
        assert begins(rules, rest) == whole[resumed:]
