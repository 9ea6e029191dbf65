"""Merged answers: the same from one partition or three, in the shape that goes out over HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_answers import OneWorker, windows_of
from table_parts import part_of
from table_rows import rows_of, unhurried

from dataflow.engine.tables import (
    ALL,
    DAY,
    Distinct,
    Max,
    Quantiles,
    Sum,
    TablePartition,
    WindowedTable,
    orders,
)

DAY_MS = 86_400_000
TABLE = WindowedTable(
    "requests",
    key="path",
    windows=(DAY,),
    lateness_ms=0,
    users=Distinct("user"),
    bytes=Sum("bytes"),
    agent=Max("agent"),
    sizes=Quantiles("bytes", (0.5,)),
)
NAMES = ("path", "user", "bytes", "agent")


def table_partition(*rows):
    """Return a partition with these rows."""
    made = TablePartition(TABLE)
    made.fold(rows_of(rows, *NAMES))
    return made


def answered(table_partitions, **parameters):
    """Return the windows of the answer of a worker that has these partitions."""
    return windows_of(OneWorker(TABLE, table_partitions).pages(**parameters))


def four():
    """Return a partition with four rows of three paths."""
    return table_partition(
        (0, "/b", 1, 1, None), (0, "/a", 1, 7, "z"), (0, "/b", 2, 2, "y"), (0, "/c", 1, 9, None)
    )


def test_the_shape_of_an_answer():
    """Times are ISO 8601 in UTC, the greatest count is first, equal counts go by key."""
    one = table_partition((0, "/b", 1, 10, "x"), (0, "/a", 1, 20, None), (DAY_MS, "/a", 2, 5, "y"))
    two = table_partition((DAY_MS, "/c", 2, 7, "y"), (DAY_MS, "/c", 3, None, "z"))

    windows = answered([one, two], window="day")

    assert windows == [
        {
            "start": "1970-01-01T00:00:00Z",
            "end": "1970-01-02T00:00:00Z",
            "closed": True,
            "entries": [
                {"key": "/a", "count": 1, "users": 1, "bytes": 20, "agent": None, "sizes": {"p50": 20.0}},
                {"key": "/b", "count": 1, "users": 1, "bytes": 10, "agent": "x", "sizes": {"p50": 10.0}},
            ],
        },
        {
            "start": "1970-01-02T00:00:00Z",
            "end": "1970-01-03T00:00:00Z",
            "closed": False,
            "entries": [
                {"key": "/c", "count": 2, "users": 2, "bytes": 7, "agent": "z", "sizes": {"p50": 7.0}},
                {"key": "/a", "count": 1, "users": 1, "bytes": 5, "agent": "y", "sizes": {"p50": 5.0}},
            ],
        },
    ]


def test_windows_merged_into_one_count_a_visitor_once():
    """Distinct values of a range are not the sum of its days."""
    days = table_partition((0, "/a", 1, 1, "x"), (DAY_MS, "/a", 1, 1, "x"), (3 * DAY_MS, "/a", 2, 1, "x"))

    (window,) = answered([days], window="day", merge="true")

    assert (window["start"], window["end"]) == ("1970-01-01T00:00:00Z", "1970-01-05T00:00:00Z")
    assert window["closed"] is False
    assert [(e["count"], e["users"]) for e in window["entries"]] == [(3, 2)]


def test_all_time_has_no_start_and_no_end_and_never_closes():
    """A made-up date would be taken for a fact."""
    (window,) = answered([table_partition((DAY_MS, "/a", 1, 1, "x"))])

    assert (window["start"], window["end"], window["closed"]) == (None, None, False)


def test_a_window_is_closed_only_when_it_is_closed_everywhere():
    """A partition that lags behind may still add to it."""
    ahead, lag = (
        table_partition((0, "/a", 1, 1, "x"), (DAY_MS, "/a", 1, 1, "x")),
        table_partition((0, "/a", 1, 1, "x")),
    )

    alone = answered([ahead], window="day")
    together = answered([ahead, lag], window="day")

    assert [window["closed"] for window in alone] == [True, False]
    assert [window["closed"] for window in together] == [False, False]


def test_nothing_counted():
    """No event, no window."""
    assert answered([table_partition()], window="day") == []


@pytest.mark.parametrize(
    ("order", "top", "keys"),
    [
        ("count", 9, ["/b", "/a", "/c"]),
        ("count", 1, ["/b"]),
        ("key", 9, ["/a", "/b", "/c"]),
        ("bytes", 2, ["/c", "/a"]),
        ("users", 9, ["/b", "/a", "/c"]),
        ("agent", 9, ["/a", "/b", "/c"]),
    ],
)
def test_entries_in_order(order, top, keys):
    """The greatest first; what is unknown is last; equal ones go by key."""
    (window,) = answered([four()], order=order, top=str(top))

    assert [entry["key"] for entry in window["entries"]] == keys


def test_what_a_table_can_be_ordered_by():
    """Quantiles are several numbers: no order."""
    assert orders(TABLE) == ("count", "users", "bytes", "agent", "key")


def test_one_key_is_found_alone():
    """A query for one key does not carry all others between workers."""
    cells = part_of(four(), ALL, key="/a").entries

    assert [label for _, label, _ in cells] == ["/a"]
    assert part_of(four(), ALL, key="/missing").entries == []


rows_of_days = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY_MS), st.sampled_from("ab"), st.integers(0, 5), st.integers(0, 9), st.none()
    ),
    max_size=40,
)


@unhurried
@given(rows_of_days, st.permutations(range(3)), st.booleans())
def test_three_partitions_on_any_workers_answer_as_one(rows, order, merge_windows):
    """Where a row was counted must not show, nor who answered first."""
    table = WindowedTable("views", key="path", windows=(DAY,), users=Distinct("user"), bytes=Sum("bytes"))
    table_partitions = [TablePartition(table) for _ in range(4)]
    for n, row in enumerate(rows):
        table_partitions[n % 3].fold(rows_of([row], *NAMES))
        table_partitions[3].fold(rows_of([row], *NAMES))
    parameters = {"window": "day", "merge": "true" if merge_windows else "false"}

    merged = OneWorker(table, [table_partitions[n] for n in order]).pages(**parameters)

    assert windows_of(merged) == windows_of(OneWorker(table, table_partitions[3:]).pages(**parameters))
