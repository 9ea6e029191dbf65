"""Answers: what workers say of their partitions in, one answer that says what is missing out."""

from types import SimpleNamespace

import msgspec
import pytest

from dataflow.engine.query import Answer, PartitionResult, Queries
from dataflow.engine.topology import Topology

NOW_SECONDS = 1_700_000_000


def a_part(
    partition: int, generation: int = 1, content: bytes = b"\x01", lag: int = 0, at_ms: int = 0
) -> PartitionResult:
    """Return what a worker says of one partition."""
    return PartitionResult(partition, generation, lag, at_ms, msgspec.Raw(content))


def answer_of(*parts: PartitionResult, partitions: int = 3) -> Answer:
    """Return the answer of an app whose topic has so many partitions."""
    engine = SimpleNamespace(topology=Topology(partition_counts={"source": partitions}))
    return Queries(None, engine)._answer("source", parts)


def test_all_partitions_answered():
    """Nothing is missing, and every part is there."""
    answer = answer_of(a_part(2), a_part(0), a_part(1))
    assert answer.answered == [0, 1, 2]
    assert answer.missing == []


def test_partitions_without_an_answer_are_named():
    """An answer never looks complete when it is not."""
    assert answer_of(a_part(1)).missing == [0, 2]
    assert answer_of().missing == [0, 1, 2]


@pytest.mark.parametrize("zombie_first", [True, False])
def test_a_zombie_loses_against_the_later_generation(zombie_first: bool):
    """A worker that was frozen still believes that it owns what another one counts now."""
    zombie, owner = a_part(0, 1, b"\x05"), a_part(0, 2, b"\x09")
    parts = [zombie, owner] if zombie_first else [owner, zombie]
    assert bytes(answer_of(*parts).parts[0]) == b"\x09"


def test_a_zombie_is_not_counted_as_behind():
    """How far behind an answer is depends on the parts that are in it."""
    assert answer_of(a_part(0, 1, lag=1000, at_ms=1), a_part(0, 2)).lag_records == 0


def test_behind_is_the_sum_of_records_and_the_oldest_of_times(monkeypatch: pytest.MonkeyPatch):
    """The slowest partition says how old the counts are."""
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    answer = answer_of(
        a_part(0, lag=5, at_ms=(NOW_SECONDS - 7) * 1000),
        a_part(1, lag=2, at_ms=(NOW_SECONDS - 3) * 1000),
        a_part(2, lag=0, at_ms=(NOW_SECONDS - 900) * 1000),
    )
    assert (answer.lag_records, answer.lag_seconds) == (7, 7.0)


def test_an_idle_topic_is_not_behind_however_old_its_last_record():
    """All is counted: nothing is late about it."""
    assert answer_of(a_part(0, at_ms=1), partitions=1).lag_seconds == 0.0


def test_parts_travel_between_workers_as_they_are():
    """What one worker packs, another one reads."""
    raw = msgspec.msgpack.encode([a_part(0, 3, msgspec.msgpack.encode({"a": 1}), 2, 9)])
    (part,) = msgspec.msgpack.decode(raw, type=list[PartitionResult])
    assert (part.partition, part.generation, part.lag_records, part.last_record_ms) == (0, 3, 2, 9)
    assert msgspec.msgpack.decode(part.content) == {"a": 1}
