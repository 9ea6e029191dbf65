"""Windows: where they start, when they close, and which declarations are refused."""

import pytest
from table_parts import part_of
from table_rows import counts_of, rows_of

from dataflow.engine.tables import (
    ALL,
    DAY,
    FUTURE,
    HOUR,
    MINUTE,
    UNDATED,
    Count,
    Sum,
    TablePartition,
    Window,
    WindowedTable,
)

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000


def views(**options):
    """Return a table by minute and hour."""
    return WindowedTable("views", key="page", **({"windows": (MINUTE, HOUR)} | options))


def starts(table_partition, window):
    """Return the start of every entry."""
    return [start for start, _, _ in part_of(table_partition, window).entries]


@pytest.mark.parametrize(
    ("window", "time", "start"),
    [
        (MINUTE, 0, 0),
        (MINUTE, 59_999, 0),
        (MINUTE, 60_000, 60_000),
        (DAY, 1_433_360_901_000, 1_433_289_600_000),  # 2015-06-03T19:48:21Z
        (ALL, 1_433_360_901_000, 0),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(window, time, start):
    """Windows are aligned to 1970 UTC and touch without a gap."""
    assert window.start_of(time) == start


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Window("a|b", 1),
        lambda: Window("week", -1),
        lambda: Window("week", 1, -1),
        lambda: views(windows=(Window("fortnight", 14), Window("month", 30))),
        lambda: views(windows=(MINUTE, MINUTE)),
        lambda: views(windows=(ALL,)),
        lambda: views(windows=(Window("every", 0),)),
        lambda: views(windows=(), all_time=False),
        lambda: views(windows=(MINUTE.kept_for(1),)),
        lambda: views(lateness_ms=-1),
        lambda: views(max_keys=0),
        lambda: views(count=Sum("bytes")),
        lambda: views(requests=Count()),
        lambda: views(**{"bytes|": Sum("bytes")}),
        lambda: views(max_per_key=Sum("bytes")),
        lambda: WindowedTable("views per page", key="page"),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_refused(declare):
    """It would show as a wrong count, much later."""
    with pytest.raises(ValueError, match="expected"):
        declare()


def test_count_may_be_said_and_need_not_be():
    """Two ways to declare must not be two tables to the changelog."""
    assert views(count=Count()).declared == views().declared


@pytest.mark.parametrize(("newest", "late"), [(MINUTE_MS + 4_999, 0), (MINUTE_MS + 5_000, 1)])
def test_a_window_is_closed_once_the_lateness_is_over(newest, late):
    """One millisecond before, a row is still added."""
    table_partition = TablePartition(views(lateness_ms=5_000))

    table_partition.fold(rows_of([(newest, "a"), (MINUTE_MS - 1, "a")], "page"))

    assert table_partition.event_time.late == {"minute": late, "hour": 0}
    assert starts(table_partition, MINUTE) == [0, MINUTE_MS][late:]


def test_a_late_row_still_counts_in_larger_windows_and_in_all_time():
    """Late for the minute is not late for the hour."""
    table_partition = TablePartition(views(lateness_ms=0))

    table_partition.fold(rows_of([(2 * MINUTE_MS, "a"), (0, "a"), (HOUR_MS, "a"), (0, "a")], "page"))

    assert table_partition.event_time.late == {"minute": 2, "hour": 1}
    assert counts_of(table_partition, HOUR) == {(0, "a"): 2, (HOUR_MS, "a"): 1}
    assert counts_of(table_partition, ALL) == {(0, "a"): 4}


def test_without_a_lateness_windows_never_close():
    """A table over a file of many years takes them in any order."""
    table_partition = TablePartition(views())

    table_partition.fold(rows_of([(9_000 * DAY_MS, "a"), (0, "a")], "page"))

    assert table_partition.event_time.late == {"minute": 0, "hour": 0}
    assert table_partition.watermark == -1


@pytest.mark.parametrize("time", [UNDATED, FUTURE, -99, 10**15, 2**63])
def test_a_row_without_a_believable_time_closes_nothing_and_is_counted(time):
    """One event of the year 9999 must not make all others late."""
    table_partition = TablePartition(views(lateness_ms=0))

    table_partition.fold(rows_of([(0, "a"), (time, "a"), (0, "a")], "page"))

    assert table_partition.event_time.newest == 0
    assert table_partition.event_time.undated + table_partition.event_time.future == 1
    assert table_partition.event_time.future == (time == FUTURE or time > 0)
    assert counts_of(table_partition, MINUTE) == {(0, "a"): 2}
    assert counts_of(table_partition, ALL) == {(0, "a"): 3}


def test_windows_past_their_retention_are_deleted_from_the_changelog():
    """Nothing else ever shrinks a compacted topic."""
    table_partition = TablePartition(views(windows=(MINUTE.kept_for(1_000),), lateness_ms=0))
    table_partition.fold(rows_of([(0, "a"), (1, "b")], "page"))
    table_partition.snapshot()

    table_partition.fold(rows_of([(MINUTE_MS + 999, "a")], "page"))
    assert starts(table_partition, MINUTE) == [0, 0, MINUTE_MS]
    table_partition.fold(rows_of([(MINUTE_MS + 1_000, "a")], "page"))

    assert starts(table_partition, MINUTE) == [MINUTE_MS]

    deleted = {key for key, value in table_partition.snapshot() if value is None}
    assert deleted == {b"views|minute|0|a", b"views|minute|0|b"}
    smallest = table_partition.levels.stores[0]
    assert list(smallest._windows) == [MINUTE_MS]  # nothing is left of them in memory either


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "found"),
    [
        (None, None, [0, 1, 2]),
        (MINUTE_MS, 2 * MINUTE_MS, [1]),
        (MINUTE_MS - 1, MINUTE_MS + 1, [0, 1]),
        (None, MINUTE_MS, [0]),
        (2 * MINUTE_MS + 59_999, None, [2]),
        (3 * MINUTE_MS, None, []),
        (-5, 0, []),
    ],
)
def test_a_range_finds_the_windows_that_it_overlaps(from_ms, to_ms, found):
    """The end of a range is not in it, and the end of a window is not in the window."""
    table_partition = TablePartition(views())
    table_partition.fold(rows_of([(n * MINUTE_MS + 30_000, "a") for n in range(3)], "page"))

    part = part_of(table_partition, MINUTE, from_ms, to_ms)

    assert [start // MINUTE_MS for start, _, _ in part.entries] == found
    assert {start for start, _, _ in part_of(table_partition, ALL, from_ms, to_ms).entries} == {0}
