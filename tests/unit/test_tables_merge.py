"""Merged answers: the same from one worker or three, in the shape that goes out over HTTP."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack
from table_rows import rows_of, unhurried

from dataflow.engine.tables import (
    ALL,
    DAY,
    Distinct,
    Max,
    Part,
    Quantiles,
    Sum,
    TablePartition,
    WindowedTable,
    merge_entries,
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


def four():
    """Return a partition with four rows of three paths."""
    return table_partition(
        (0, "/b", 1, 1, None), (0, "/a", 1, 7, "z"), (0, "/b", 2, 2, "y"), (0, "/c", 1, 9, None)
    )


def test_the_shape_of_an_answer():
    """Times are ISO 8601 in UTC, the greatest count is first, equal counts go by key."""
    one = table_partition((0, "/b", 1, 10, "x"), (0, "/a", 1, 20, None), (DAY_MS, "/a", 2, 5, "y"))
    two = table_partition((DAY_MS, "/c", 2, 7, "y"), (DAY_MS, "/c", 3, None, "z"))

    windows = merge_entries(TABLE, DAY, [one.answer(DAY), two.answer(DAY)])

    assert orjson.loads(orjson.dumps(windows)) == [
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
    part = table_partition(
        (0, "/a", 1, 1, "x"), (DAY_MS, "/a", 1, 1, "x"), (3 * DAY_MS, "/a", 2, 1, "x")
    ).answer(DAY)

    (window,) = merge_entries(TABLE, DAY, [part], merge_windows=True)

    assert (window["start"], window["end"]) == ("1970-01-01T00:00:00Z", "1970-01-05T00:00:00Z")
    assert window["closed"] is False
    assert [(e["count"], e["users"]) for e in window["entries"]] == [(3, 2)]


def test_all_time_has_no_start_and_no_end_and_never_closes():
    """A made-up date would be taken for a fact."""
    (window,) = merge_entries(TABLE, ALL, [table_partition((DAY_MS, "/a", 1, 1, "x")).answer(ALL)])

    assert (window["start"], window["end"], window["closed"]) == (None, None, False)


def test_a_window_is_closed_only_when_it_is_closed_everywhere():
    """A partition that lags behind may still add to it."""
    ahead, lag = (
        table_partition((0, "/a", 1, 1, "x"), (DAY_MS, "/a", 1, 1, "x")),
        table_partition((0, "/a", 1, 1, "x")),
    )

    alone = merge_entries(TABLE, DAY, [ahead.answer(DAY)])
    together = merge_entries(TABLE, DAY, [ahead.answer(DAY), lag.answer(DAY)])

    assert [window["closed"] for window in alone] == [True, False]
    assert [window["closed"] for window in together] == [False, False]


def test_nobody_answered():
    """No partition, no window: the answer says elsewhere what is missing."""
    assert merge_entries(TABLE, DAY, []) == []


@pytest.mark.parametrize(
    ("order", "top", "keys"),
    [
        ("count", None, ["/b", "/a", "/c"]),
        ("count", 1, ["/b"]),
        ("key", None, ["/a", "/b", "/c"]),
        ("bytes", 2, ["/c", "/a"]),
        ("users", None, ["/b", "/a", "/c"]),
        ("agent", None, ["/a", "/b", "/c"]),
    ],
)
def test_entries_in_order(order, top, keys):
    """The greatest first; what is unknown is last; equal ones go by key."""
    (window,) = merge_entries(TABLE, ALL, [four().answer(ALL)], order=order, top=top)

    assert [entry["key"] for entry in window["entries"]] == keys


def test_what_a_table_can_be_ordered_by():
    """Quantiles are several numbers: no order."""
    assert orders(TABLE) == ("count", "users", "bytes", "agent", "key")


def test_one_key_is_found_alone():
    """A query for one key does not carry all others between workers."""
    cells = four().answer(ALL, key="/a").entries

    assert [label for _, label, _ in cells] == ["/a"]
    assert four().answer(ALL, key="/missing").entries == []


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
    parts = [msgpack.decode(msgpack.encode(table_partitions[n].answer(DAY)), type=Part) for n in order]

    merged = merge_entries(table, DAY, parts, merge_windows=merge_windows)

    assert merged == merge_entries(table, DAY, [table_partitions[3].answer(DAY)], merge_windows=merge_windows)
