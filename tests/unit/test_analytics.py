"""Analytics: ranges as they are written, totals of windows, pages of a ranking, and the page about them."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack
from table_parts import merge_entries, part_of, totals_of
from table_rows import restored, rows_of, unhurried, write

from dataflow.analytics.question import ranking_statement
from dataflow.analytics.range_totals import NotCovered, add_totals
from dataflow.analytics.ranking import RankedKey, page_of
from dataflow.analytics.span import Bound, Span
from dataflow.engine.tables import (
    ALL,
    OTHER,
    EventTimeState,
    Sum,
    TablePartition,
    Totals,
    Window,
    WindowedTable,
)
from dataflow.engine.tables.answer import MOST_READ
from dataflow.instants import iso
from dataflow.settings import Settings
from dataflow.web.analytics import routes

PAGE = (Path(__file__).parents[2] / "docs" / "analytics.md").read_text("utf-8")
SMALL, LARGE = Window("small", 10), Window("large", 40)
BEGIN = 31_536_000_000
"""1971: no window is older."""


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2015-05-17", "2015-05-17T00:00:00Z", "2015-05-17T23:59:59.999Z"),
        ("2015-05-17T10:05", "2015-05-17T10:05:00Z", "2015-05-17T10:05:59.999Z"),
        ("2015-05-17T10:05Z", "2015-05-17T10:05:00Z", "2015-05-17T10:05:59.999Z"),
        ("2015-05-17 10:05:03", "2015-05-17T10:05:03Z", "2015-05-17T10:05:03.999Z"),
        ("2015-05-17T10:05:03.25+02:00", "2015-05-17T08:05:03.250Z", "2015-05-17T08:05:03.250Z"),
        ("2015-05-17T10:05:03,123456789-0530", "2015-05-17T15:35:03.123Z", "2015-05-17T15:35:03.123Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_text_names_all_of_what_it_is_precise_about(text, first, last):
    """An inclusive end has a length: that of a day, a minute, a second or a millisecond."""
    assert (iso(Bound.parse(text).first_ms), iso(Bound.parse(text).after_last_ms - 1)) == (first, last)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2015", "2015-05", "20150517", "2015-W20", "2015-13-01", "2015-05-17T", "2015-05-17T10",
     "2015-05-17T24:30", "2015-05-17T10:05:03+25:00", "2015-05-17Z", "9999-01-01", "0000-01-01",
     "٢٠١٥-05-17", "2015-05-17\n", "2015-05-17T10:05:03+02"],
)  # fmt: skip
def test_what_is_no_instant_is_no_other_either(text):
    """A wrong date must not become another date."""
    with pytest.raises(ValueError):  # noqa: PT011  # the view says what was expected
        Bound.parse(text)


@given(
    st.datetimes(datetime(2, 1, 3), datetime(9998, 12, 29)),  # noqa: DTZ001  # hypothesis wants them naive
    st.integers(-23 * 60, 23 * 60),
)
def test_a_written_instant_reads_back(at, offset):
    """To the millisecond, whatever its offset."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    there = at.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset)))
    read = Bound.parse(there.isoformat(timespec="milliseconds")).first_ms
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=read) == there
    assert Bound.parse(iso(read)).first_ms == read


def requests(lateness_ms=0, max_keys=100):
    """Return a small table of requests."""
    return WindowedTable(
        "requests", key="path", windows=(SMALL.kept_for(80), LARGE.kept_for(400)), lateness_ms=lateness_ms,
        max_keys=max_keys, errors=Sum("is_error"),
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcdef"), st.booleans()), max_size=40),
    st.integers(0, 12),
    st.integers(1, 12),
    st.sampled_from([SMALL, LARGE]),
    st.sampled_from([0, 20, 1_000]),
)
@unhurried
def test_totals_that_claim_to_be_exact_are(rows, begin, length, window, lateness_ms):
    """What came late or has been dropped is told; else every row of the span is counted, once."""
    table, changelog = requests(lateness_ms, max_keys=2), {}
    table_partition = TablePartition(table)
    rows = [(BEGIN + time, path, is_error) for time, path, is_error in rows]
    for row in rows:
        table_partition.fold(rows_of([row], "path", "is_error"))
    write(table_partition, changelog)
    span = Span(BEGIN + begin * window.size_ms, BEGIN + (begin + length) * window.size_ms)
    parts = [
        totals_of(one, table.window(window.name), span.start_ms, span.end_ms, ("count", "errors"))
        for one in (table_partition, restored(table, changelog))
    ]
    assert parts[0] == parts[1]
    try:
        found = add_totals(table, table.window(window.name), span, parts[:1], keyed=True)
    except NotCovered:
        return
    inside = [row for row in rows if span.start_ms <= row[0] < span.end_ms]
    if not found.lacks:
        count, errors = Counter(), Counter()
        for _, path, is_error in inside:
            count[path] += 1
            errors[path] += is_error
        assert {key: tuple(totals) for key, totals in found.by_key.items()} == {
            path: (count[path], errors[path]) for path in count
        }


def test_totals_are_those_of_the_merged_cells():
    """Over all windows, and over all time with what has no time."""
    table = requests(lateness_ms=1_000)
    table_partition = TablePartition(table)
    table_partition.fold(
        rows_of([(5, "a", True), (15, "b", False), (-1, "a", False), (16, "a", True)], "path", "is_error")
    )
    for window in table.every_window:
        [merged] = merge_entries(table, window, [part_of(table_partition, window)], merge_windows=True)
        totals = totals_of(table_partition, window, None, None, ("errors", "count"))
        assert totals.by_aggregation == [
            {entry["key"]: entry[name] for entry in merged["entries"]} for name in ("errors", "count")
        ]
    assert totals_of(table_partition, ALL, None, None, ("count",)).by_aggregation == [{"a": 3, "b": 1}]


def test_a_late_row_spoils_no_span_after_it():
    """One straggler must not send every question to another system for ever."""
    table = requests()
    table_partition = TablePartition(table)
    table_partition.fold(
        rows_of([(0, "a", False), (100, "a", False), (12, "a", False), (120, "a", False)], "path", "is_error")
    )
    small = table.window("small")
    parts = [totals_of(table_partition, small, 20, 130, ("count",))]
    assert parts[0].late_until == 12
    assert add_totals(table, small, Span(20, 130), parts, keyed=True).lacks == []
    [lack] = add_totals(table, small, Span(10, 130), parts, keyed=True).lacks
    assert lack == "requests up to 1970-01-01T00:00:00.012Z that came after their small was closed"


def test_rows_that_were_late_before_it_was_noted_when_spoil_all_up_to_now():
    """A changelog of an earlier release counts them, and says no more."""
    table = requests()
    table_partition = TablePartition(table)
    table_partition.fold(rows_of([(100, "a", False), (12, "a", False)], "path", "is_error"))
    table_partition.event_time.late_until.clear()
    assert totals_of(table_partition, table.window("small"), 0, 10, ("count",)).late_until == 100
    assert totals_of(table_partition, table.window("large"), 0, 40, ("count",)).late_until == 100


def test_progress_of_an_earlier_release_is_read():
    """Its entry in the changelog is one field shorter."""
    raw = msgpack.encode(["requests", {"small": 2, "large": 0}, 77, 1, 0])
    event_time = msgpack.decode(raw, type=EventTimeState)
    assert (event_time.last_late(SMALL), event_time.last_late(LARGE)) == (77, -1)


def test_a_year_of_windows_that_are_dropped_is_beyond_the_tables():
    """The first window that is still there is named."""
    table, day = requests(), 86_400_000
    year = 365 * day
    parts = [Totals(0, [], kept_from, late_until=-1) for kept_from in (2 * year - 5, -3)]
    window = Window("day", day)
    with pytest.raises(NotCovered, match=r"^day windows of requests are kept from 1972-01-01T00:00:00Z on$"):
        add_totals(table, window, Span(2 * year - day, None), parts, keyed=False)
    assert add_totals(table, window, Span(2 * year, None), parts, keyed=False).lacks == []
    with pytest.raises(NotCovered):
        add_totals(table, window, Span(None, 3 * year), parts, keyed=False)


def test_a_range_from_before_a_table_was_counted_anew_is_not_exact():
    """After `tables rebuild --from-now` an older range was answered as exact, with next to nothing in it."""
    day = 86_400_000
    parts = [Totals(1, [{"a": 1}], -1, -1, since_ms) for since_ms in (None, 3 * 365 * day)]
    older = add_totals(requests(), ALL, Span(365 * day, None), parts, keyed=False)
    assert older.lacks == ["requests before 1972-12-31T00:00:00Z, from when on requests counts"]
    assert add_totals(requests(), ALL, Span(), parts, keyed=False).lacks == older.lacks
    assert add_totals(requests(), ALL, Span(3 * 365 * day, None), parts, keyed=False).lacks == []
    assert add_totals(requests(), ALL, Span(), parts[:1], keyed=False).lacks == []


def test_a_range_of_too_many_entries_is_beyond_the_tables():
    """Nobody can have a worker add up for seconds; PostgreSQL has a deadline of its own."""
    table = requests()
    table_partition = TablePartition(table)
    table_partition.fold(rows_of([(5, "a", True), (15, "b", False)], "path", "is_error"))
    few = totals_of(table_partition, SMALL, None, None, ("count",))
    many = Totals(MOST_READ + 1, [], -1, -1)

    assert (few.size, few.by_aggregation) == (2, [{"a": 1, "b": 1}])
    with pytest.raises(NotCovered, match=r"^its 1,000,001 entries by small are more than 1,000,000$"):
        add_totals(table, SMALL, Span(), [few, many], keyed=True)


def test_keys_that_are_not_told_apart_spoil_a_ranking_and_no_sum():
    """A sum over all keys has them, whatever they are."""
    table = requests()
    parts = [
        Totals(2, [{"a": 3, OTHER: 4}, {"a": 1, OTHER: 2}], -1, -1),
        Totals(1, [{"a": 1}, {"a": 0}], -1, -1),
    ]
    found = add_totals(table, ALL, Span(), parts, keyed=True)
    assert found.by_key == {"a": [4, 1], OTHER: [4, 2]}
    assert len(found.lacks) == 1
    assert add_totals(table, ALL, Span(), parts, keyed=False).lacks == []


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 5)),
    st.integers(1, 7),
)
def test_pages_put_together_are_the_whole_ranking(counts, limit):
    """Also where many keys have the same count; a place is read as it is written."""
    found, after = [], None
    while True:
        page = page_of(counts.items(), limit, after)
        assert page.total == sum(counts.values())
        found += page.entries
        if page.is_last:
            break
        after = RankedKey.parse(str(page.entries[-1]))
    assert [(entry.key, entry.count) for entry in found] == sorted(
        counts.items(), key=lambda pair: (-pair[1], pair[0])
    )


def test_a_key_that_moves_up_between_two_pages_comes_no_second_time():
    """Counts grow while somebody reads."""
    first = page_of([("a", 9), ("b", 5), ("c", 3)], 2, None)
    second = page_of([("a", 9), ("b", 6), ("c", 4), ("d", 4)], 2, first.entries[-1])
    assert [entry.key for entry in [*first.entries, *second.entries]] == ["a", "b", "c", "d"]
    assert RankedKey.parse("4:c:d\n") == RankedKey(4, "c:d\n")


def test_postgresql_is_asked_for_what_comes_behind_a_key_with_a_nul():
    """It takes no NUL, and was said to be away; the keys that it has come behind both, or behind neither."""
    _, parameters = ranking_statement("endpoint", Span(), 2, RankedKey(17, "/a\0b"))
    assert parameters == [17, "/a", 3]
    stored = ["/", "/a", "/a\x01", "/a/b", "/b"]
    assert [key for key in stored if key > "/a"] == [key for key in stored if key > "/a\0b"]


@pytest.mark.parametrize("text", ["", "5", "a:5", ":x", "-1:x", "\u0665:x", "1234567890123456789:x"])
def test_what_is_no_place_is_refused(text):
    """It would begin somewhere else."""
    with pytest.raises(ValueError):  # noqa: PT011  # the view says what was expected
        RankedKey.parse(text)


def test_every_setting_and_parameter_of_the_page_is_there():
    """A setting that is renamed is renamed there, too."""
    named = set(re.findall(r"DATAFLOW_\w+", PAGE))
    assert named <= {f"DATAFLOW_{field.upper()}" for field in Settings.model_fields}
    for route in routes:
        assert f"`{route.path}`" in PAGE
        assert all(f"`{parameter.name}`" in PAGE for parameter in route.parameters["request"])
