"""Queries: typed from end to end; the result says which partitions are missing and how large the lag is."""

from collections import Counter

import msgspec
import pytest

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.query import Queries, ReadEventCounts, ReadTotals, ReadWindows, answer_type_of
from dataflow.engine.query_result import PartitionResult, QueryResult, merge_results
from dataflow.engine.tables import Part, Totals

NOW_SECONDS = 1_700_000_000


def a_result(
    partition: int, generation: int = 1, content: bytes = b"\x01", lag: int = 0, at_ms: int = 0
) -> PartitionResult:
    """Return what a worker says of one partition."""
    return PartitionResult(partition, generation, lag, at_ms, msgspec.Raw(content))


def result_of(*results: PartitionResult, partitions: int = 3) -> QueryResult[int]:
    """Return the result of a query to a topic that has so many partitions."""
    return merge_results(int, partitions, results)


def test_all_partitions_answered():
    """Nothing is missing, and every part is there."""
    result = result_of(a_result(2), a_result(0), a_result(1))
    assert result.answered == [0, 1, 2]
    assert result.missing == []


def test_partitions_without_an_answer_are_named():
    """An answer never looks complete when it is not."""
    assert result_of(a_result(1)).missing == [0, 2]
    assert result_of().missing == [0, 1, 2]


@pytest.mark.parametrize("zombie_first", [True, False])
def test_a_zombie_loses_against_the_later_generation(zombie_first: bool):
    """A worker that was frozen still believes that it owns what another one counts now."""
    zombie, owner = a_result(0, 1, b"\x05"), a_result(0, 2, b"\x09")
    parts = [zombie, owner] if zombie_first else [owner, zombie]
    assert result_of(*parts).by_partition[0] == 9


def test_a_zombie_is_not_counted_as_behind():
    """How far behind an answer is depends on the parts that are in it."""
    assert result_of(a_result(0, 1, lag=1000, at_ms=1), a_result(0, 2)).lag_records == 0


def test_behind_is_the_sum_of_records_and_the_oldest_of_times(monkeypatch: pytest.MonkeyPatch):
    """The slowest partition says how old the counts are."""
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
    result = result_of(
        a_result(0, lag=5, at_ms=(NOW_SECONDS - 7) * 1000),
        a_result(1, lag=2, at_ms=(NOW_SECONDS - 3) * 1000),
        a_result(2, lag=0, at_ms=(NOW_SECONDS - 900) * 1000),
    )
    assert (result.lag_records, result.lag_seconds) == (7, 7.0)


def test_an_idle_topic_is_not_behind_however_old_its_last_record():
    """All is counted: nothing is late about it."""
    assert result_of(a_result(0, at_ms=1), partitions=1).lag_seconds == 0.0


def test_results_travel_between_workers_as_they_are():
    """What one worker encodes, another one decodes."""
    raw = msgspec.msgpack.encode([a_result(0, 3, msgspec.msgpack.encode({"a": 1}), 2, 9)])
    (result,) = msgspec.msgpack.decode(raw, type=list[PartitionResult])
    assert (result.partition, result.generation, result.lag_records, result.last_record_ms) == (0, 3, 2, 9)
    assert msgspec.msgpack.decode(result.content) == {"a": 1}


@pytest.mark.parametrize(
    ("query", "answer_type"),
    [
        (ReadWindows("table", "day", 1, None, "key"), Part),
        (ReadTotals("table", "all", None, None, ("count", "errors")), Totals),
        (ReadEventCounts(), EventCounts),
    ],
)
def test_a_query_arrives_as_it_was_sent_and_names_the_type_of_its_answer(query, answer_type):
    """No value becomes a string on the way."""
    queries = Queries(None, None, None)
    assert queries._decoder.decode(msgspec.msgpack.encode(query)) == query
    assert answer_type_of(type(query)) is answer_type


@pytest.mark.parametrize(
    "body", [b"", b"\x01", msgspec.msgpack.encode({"type": "ReadSizes"}),
             msgspec.msgpack.encode({"type": "ReadWindows", "table": 1, "window": "day"}),
             msgspec.msgpack.encode({"type": "ReadEventCounts", "topic": "x"})],
)  # fmt: skip
def test_a_query_of_another_release_is_an_error(body):
    """It must not be answered as if it had asked for less."""
    with pytest.raises(msgspec.MsgspecError):
        Queries(None, None, None).answer("topic", body)


def test_event_counts_are_decoded_as_they_were():
    """With counters that can be added up."""
    counts = EventCounts(3, 1, Counter(bots=1), Counter(not_json=1))
    result = merge_results(EventCounts, 1, [a_result(0, content=msgspec.msgpack.encode(counts))])
    assert result.by_partition == {0: counts}
    assert isinstance(result.by_partition[0].dropped, Counter)
