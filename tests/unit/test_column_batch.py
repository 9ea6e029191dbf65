"""Rows: the events of a batch that go on, in columns, dated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecord
from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.column_batch import ColumnBatch, TimestampRun, record_time
from dataflow.engine.event_time import EventTime
from dataflow.engine.splice import Added
from dataflow.engine.tables.rows import FUTURE, UNDATED
from dataflow.instants import EARLIEST_MS

NOW = 1_700_000_000_000
DAY = 86_400_000


@dataclass(frozen=True)
class Event:
    """What was sent."""

    at: int = 0
    kind: str = ""
    n: int = 0


def a_run(end: int, newest_ms: int, time_ms: int | None = None) -> TimestampRun:
    """Return a run that was written at its newest record timestamp, unless said otherwise."""
    return TimestampRun(end, newest_ms, newest_ms if time_ms is None else time_ms)


def a_record(value: bytes = b"{}", timestamp: int = NOW) -> DefaultRecord:
    """Return a record as aiokafka reads it."""
    return DefaultRecord(0, timestamp, 0, b"k", value, [("h", b"1")])


def rows_of(
    records: Sequence[DefaultRecord],
    events: Sequence[object],
    raws: Sequence[bytes] = (),
    runs: Sequence[TimestampRun] = (),
    event_time: EventTime | None = None,
) -> ColumnBatch[Any]:
    """Return what a stage has let go on of these records, in runs that end and are as new as said."""
    rows: ColumnBatch[Any] = ColumnBatch(event_time)
    begin = 0
    for run in (*runs, a_run(len(records), -1)):
        rows.records += records[begin : run.end]
        rows.events += events[begin : run.end]
        rows.raws += raws[begin : run.end]
        rows.end_run(run.newest_ms, run.time_ms)
        begin = run.end
    return rows


def rows_at(times: Sequence[int], timestamp_runs: Sequence[TimestampRun] | None = None) -> ColumnBatch[Any]:
    """Return rows with these event times, written together at NOW unless said otherwise."""
    runs = timestamp_runs or [a_run(len(times), NOW)]
    events = [Event(at=time) for time in times]
    return rows_of([a_record() for _ in times], events, [b"{}"] * len(times), runs, EventTime("at", int))


def dated(
    times: Sequence[int], stream_time_ms: int = 0, timestamp_runs: Sequence[TimestampRun] | None = None
) -> list[int]:
    """Return what becomes of these event times, with a day ahead allowed."""
    rows = rows_at(times, timestamp_runs)
    rows.assign_event_times(stream_time_ms, DAY)
    runs = timestamp_runs or [a_run(len(times), NOW)]
    written = [
        run.newest_ms
        for begin, run in zip([0, *(r.end for r in runs)], runs, strict=False)
        for _ in range(begin, run.end)
    ]
    assert rows.advances == list(map(min, rows.times, written))
    return rows.times


@pytest.mark.parametrize(
    ("time", "becomes"),
    [
        (NOW, NOW),
        (NOW + DAY, NOW + DAY),
        (NOW + DAY + 1, FUTURE),
        (EARLIEST_MS, EARLIEST_MS),
        (EARLIEST_MS - 1, UNDATED),
        (0, UNDATED),
        (-1, UNDATED),
        (-(10**18), UNDATED),
        (10**18, FUTURE),
    ],
)
def test_an_event_time_is_believed_from_1971_up_to_a_day_ahead(time: int, becomes: int):
    """A clock that was never set and one that runs far ahead must not move windows."""
    assert dated([time]) == [becomes]


def test_the_clock_is_that_of_the_producers_not_the_wall():
    """A replay of a topic from 2013 dates every event as the first time."""
    then = 1_370_000_000_000
    assert dated([then + DAY + 1], timestamp_runs=[a_run(1, then)]) == [FUTURE]
    assert dated([then + DAY], timestamp_runs=[a_run(1, then)]) == [then + DAY]


def test_the_clock_never_goes_back():
    """A late producer does not make what came before it the future."""
    assert dated([NOW + DAY], stream_time_ms=NOW, timestamp_runs=[a_run(1, NOW - 10 * DAY)]) == [NOW + DAY]


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (NOW - DAY, NOW - DAY),
        (NOW + 1, NOW),
        (10**13, NOW),
        (-1, NOW),
        (0, NOW),
        (EARLIEST_MS - 1, NOW),
        (EARLIEST_MS, EARLIEST_MS),
    ],
)
def test_a_record_was_written_by_now_at_the_latest(timestamp: int, time: int):
    """One record of 2099, which some brokers take, or a source without timestamps shut windows for good."""
    assert record_time(timestamp, NOW) == time


def test_an_event_ahead_of_its_record_moves_event_time_only_up_to_that():
    """Every event behind one that is 23 hours ahead was late: it keeps its own time, and moves nothing."""
    rows = rows_at([NOW - 5, NOW + DAY - 1, NOW + 2 * DAY], [a_run(3, NOW)])
    rows.assign_event_times(0, DAY)
    assert rows.times == [NOW - 5, NOW + DAY - 1, FUTURE]
    assert rows.advances == [NOW - 5, NOW, FUTURE]


def test_a_worker_whose_clock_is_days_behind_calls_no_event_future():
    """Its windows would have lacked all that came meanwhile; so they only close later."""
    rows = rows_at([NOW, NOW + DAY + 1], [a_run(2, NOW, NOW - 9 * DAY)])
    rows.assign_event_times(0, DAY)
    assert rows.times == [NOW, FUTURE]
    assert rows.advances == [NOW - 9 * DAY, FUTURE]


def test_a_later_record_does_not_vouch_for_an_earlier_event():
    """Each run moves event time by what its own producer's clock has shown."""
    rows = rows_at([NOW, NOW + 9, NOW + 9], [a_run(1, NOW), a_run(2, NOW), a_run(3, NOW + 9)])
    rows.assign_event_times(0, DAY)
    assert rows.advances == [NOW, NOW, NOW + 9]


def test_each_stretch_is_measured_by_its_own_producer_batch():
    """What a later batch shows of the time does not vouch for an earlier event."""
    ahead = NOW + 5 * DAY
    timestamp_runs = [a_run(1, NOW), a_run(3, ahead)]
    assert dated([ahead, ahead, NOW], timestamp_runs=timestamp_runs) == [FUTURE, ahead, NOW]


def test_a_stretch_without_rows_still_moves_the_clock():
    """All its events were dropped; its producer's clock was right all the same."""
    assert dated([NOW + 3 * DAY], timestamp_runs=[a_run(0, NOW + 3 * DAY), a_run(1, NOW)]) == [NOW + 3 * DAY]


def test_no_rows_have_no_times():
    """An empty batch is an ordinary batch."""
    assert dated([], timestamp_runs=[]) == []


@given(
    batches=st.lists(
        st.tuples(
            st.integers(NOW - 3 * DAY, NOW + 3 * DAY),
            st.lists(st.integers(-1, NOW + 5 * DAY), min_size=1, max_size=6),
        ),
        max_size=6,
    ),
    cuts=st.sets(st.integers(0, 40)),
)
def test_how_batches_are_cut_does_not_decide(batches: list[tuple[int, list[int]]], cuts: set[int]):
    """Another batch size, a restart in the middle: the same tables, to the last event."""
    flat = [(time, newest, n) for n, (newest, times) in enumerate(batches) for time in times]
    whole = dated([time for time, *_ in flat], timestamp_runs=_timestamp_runs(flat)) if flat else []

    cut_up, stream_time_ms, part = [], 0, []
    for place, row in enumerate(flat):
        part.append(row)
        if place in cuts or place == len(flat) - 1:
            cut_up += dated([time for time, *_ in part], stream_time_ms, _timestamp_runs(part))
            stream_time_ms = max([stream_time_ms, *(newest for _, newest, _ in part)])
            part = []
    assert cut_up == whole


def _timestamp_runs(rows: Sequence[tuple[int, int, int]]) -> list[TimestampRun]:
    """Return where each producer batch ends in these rows."""
    timestamp_runs = []
    for end, (_, newest, number) in enumerate(rows, start=1):
        if end == len(rows) or rows[end][2] != number:
            timestamp_runs.append(a_run(end, newest))
    return timestamp_runs


def test_a_column_is_the_added_field_before_that_of_the_event():
    """What the stage says overrules what the producer has sent under this name."""
    events = [Event(kind="sent", n=1), Event(kind="sent", n=2)]
    added = [Added(kind="added"), Added()]
    rows = rows_of([a_record(), a_record()], events, [b"", b""])
    rows.added, rows.adds = added, frozenset({"kind"})
    assert rows.column("kind") == ["added", None]
    assert rows.column("n") == [1, 2]


def test_what_goes_on_keeps_key_headers_and_timestamp():
    """Only the value is new."""
    rows = rows_of([a_record(b"old", 5)], [Event()], [b"new"])
    assert list(rows.outgoing("t", None).records) == [(5, b"k", b"new", [("h", b"1")])]


def test_another_form_is_made_of_event_and_added_fields():
    """One batch feeds two topics, each in its form."""
    event, fields = Event(n=1), Added(kind="x")
    with_fields = rows_of([a_record()], [event], [b""])
    with_fields.added = [fields]
    assert [
        v
        for _, _, v, _ in with_fields.outgoing(
            "t", lambda e, a: b"%d%s" % (e.n, a.fields["kind"].encode())
        ).records
    ] == [b"1x"]
    without = rows_of([a_record()], [event], [b""])
    assert [v for _, _, v, _ in without.outgoing("t", lambda e, a: b"%d%s" % (e.n, a.tail)).records] == [
        b"1}"
    ]


@pytest.mark.parametrize(
    ("key", "value", "header", "index"),
    [
        (b"k", b"s", b"1", None),
        (b"k", b"x" * 1_048_588, b"1", 1),
        (b"k" * 600_000, b"x" * 300_000, b"x" * 200_000, 1),
    ],
)
def test_a_record_that_no_broker_takes_is_told_by_its_place(key, value, header, index):
    """It would fail every checkpoint; who knows which one it is can make a dead letter of it."""
    small, large = a_record(), DefaultRecord(0, NOW, 0, key, value, [("h", header)])
    records, values = [small, large, small], [b"s", value, b"s"]
    rows = rows_of(records, [0, 1, 2], values, [a_run(3, NOW)])
    assert rows.oversized(None, 1_048_588) == index
    if index is not None:
        assert rows.remove(index) is large
        assert [value for _, _, value, _ in rows.outgoing("t", None).records] == [b"s", b"s"]


def test_a_row_that_is_taken_out_of_one_output_is_out_of_all():
    """The event is a dead letter: no other topic may get it, nor the value of its neighbour."""
    records = [a_record() for _ in range(3)]
    rows = rows_of(records, [b"0", b"1" * 99, b"2"], [b"a", b"b", b"c"], [a_run(3, NOW)])
    assert rows.oversized(lambda event, _: event, 150) == 1
    rows.remove(1)
    assert [value for _, _, value, _ in rows.outgoing("t", None).records] == [b"a", b"c"]
