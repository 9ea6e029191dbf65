"""The changelog of a table: readable keys, only what changed, and refused where it does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_parts import merge_entries, part_of
from table_rows import held, restored, rows_of, unhurried, write

from dataflow.engine.tables import (
    ALL,
    DAY,
    HOUR,
    Distinct,
    Sum,
    TablePartition,
    TopK,
    WindowedTable,
)
from dataflow.errors import Misconfigured

DAY_MS = 86_400_000


def stays(**options):
    """Return a table with one set a cell."""
    declared = {"windows": (DAY,), "hotels": Distinct("hotel")} | options
    return WindowedTable("stays", key="category", **declared)


def keys_of(entries):
    """Return the keys of changelog entries."""
    return {key for key, _ in entries}


def test_keys_can_be_read():
    """An operator reads a changelog with Kafka's own tools."""
    table_partition = TablePartition(stays())

    table_partition.fold(rows_of([(DAY_MS, "Short stay", 1)], "category", "hotel"))
    first = keys_of(table_partition.snapshot())
    table_partition.fold(rows_of([(3 * DAY_MS, "Long stay", 1)], "category", "hotel"))
    second = dict(table_partition.snapshot())

    assert first == {b"stays|day|86400000|Short stay", b"stays|event_time"}
    assert second.keys() == {
        b"stays|all:sealed|0|0",
        b"stays|day:sealed|86400000|0",
        b"stays|day|86400000|Short stay",
        b"stays|day|259200000|Long stay",
        b"stays|event_time",
    }
    assert second[b"stays|day|86400000|Short stay"] is None


def test_only_what_changed_is_written_once():
    """A checkpoint costs what happened since the last one, not what was ever counted."""
    table_partition = TablePartition(stays())
    table_partition.fold(rows_of([(n * DAY_MS, "a", n) for n in range(50)], "category", "hotel"))
    table_partition.snapshot()

    table_partition.fold(rows_of([(0, "a", 1), (5, "a", 1)], "category", "hotel"))

    assert sorted(key for key, _ in table_partition.snapshot()) == [b"stays|all|0|a", b"stays|day|0|a"]
    assert table_partition.snapshot() == []


@unhurried
@given(
    st.lists(st.one_of(st.text(), st.none(), st.integers(), st.just("a|b|c"), st.just("\ud800")), min_size=1)
)
def test_keys_of_any_characters_come_back(keys):
    """A path may hold every character, the separator too; JSON can even escape half a character."""
    table_partition, changelog = TablePartition(stays()), {}
    table_partition.fold(rows_of([(0, key, 1) for key in keys], "category", "hotel"))

    write(table_partition, changelog)

    assert held(restored(table_partition.table, changelog)) == held(table_partition)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (None, "(none)"),
        (404, "404"),
        ("", ""),
        ("é" * 200, "é" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("\udfff", "?"),
    ],
)
def test_every_key_is_a_short_text(key, shown):
    """Neither a null nor a path of a megabyte may stop a worker or fill its memory."""
    table_partition = TablePartition(stays())
    table_partition.fold(rows_of([(0, key, 1)], "category", "hotel"))

    assert [label for _, label, _ in part_of(table_partition, ALL).entries] == [shown]


def test_a_total_beyond_64_bits_goes_on_after_a_restart():
    """Log lines may claim any size; what stands beside the total in its cell must stay a number."""
    table = WindowedTable("sizes", key="category", windows=(), max_keys=2, bytes=Sum("bytes"))
    table_partition, changelog = TablePartition(table), {}
    table_partition.fold(rows_of([(0, "a", 2**63), (1, "a", 2**63), (1, "b", 1)], "category", "bytes"))
    write(table_partition, changelog)

    again = restored(table, changelog)
    for at in range(5):  # too many keys: the keys are ranked
        again.fold(rows_of([(at, key, 1) for key in "acdefg"], "category", "bytes"))
        write(again, changelog)

    entries = merge_entries(table, ALL, [part_of(again, ALL)])[0]["entries"]
    assert sum(entry["count"] for entry in entries) == 3 + 5 * 6
    assert sum(entry["bytes"] for entry in entries) == 2.0**64


def test_a_large_state_is_written_apart_and_only_when_it_changed():
    """The count changes with every checkpoint, the set of all hotels hardly ever."""
    table_partition, changelog = TablePartition(stays(windows=())), {}
    table_partition.fold(rows_of([(0, "a|b", n) for n in range(2_494)], "category", "hotel"))
    first = dict(table_partition.snapshot())
    table_partition.fold(rows_of([(0, "a|b", 5)], "category", "hotel"))
    second = dict(table_partition.snapshot())
    changelog = first | second

    assert len(first[b"stays|all/hotels|0|a|b"]) == 8 * 2_494 + 1
    assert {key: len(value) for key, value in second.items()} == {b"stays|all|0|a|b": 6}
    again = restored(table_partition.table, changelog)
    assert held(again) == held(table_partition)
    again.fold(rows_of([(0, "a|b", 9_999)], "category", "hotel"))
    assert merge_entries(table_partition.table, ALL, [part_of(again, ALL)])[0]["entries"] == [
        {"key": "a|b", "count": 2_496, "hotels": 2_495}
    ]
    assert keys_of(again.snapshot()) == {b"stays|all|0|a|b", b"stays|all/hotels|0|a|b"}


arrivals = st.tuples(st.integers(0, 400), st.sampled_from("abcdef"), st.integers(0, 99))


@unhurried
@given(st.lists(arrivals, max_size=60), st.integers(1, 3))
def test_spilled_states_live_and_die_with_their_entries(rows, max_keys):
    """Also when a window is deleted or a key goes into `(other)` and comes back small."""
    table = stays(windows=(DAY.kept_for(0),), lateness_ms=0, max_keys=max_keys, top=TopK("hotel"))
    table_partition, changelog = TablePartition(table), {}
    for day, key, first in rows:
        batch = [(day * DAY_MS // 50, key, first + n) for n in range(1 + first // 50 * 40)]
        table_partition.fold(rows_of(batch, "category", "hotel"))
        write(table_partition, changelog)

    assert held(restored(table, changelog)) == held(table_partition)
    entries = {
        (start, label) for w in table.every_window for start, label, _ in part_of(table_partition, w).entries
    }
    written = {tuple(key.split(b"|", 3)[2:]) for key in changelog if key.count(b"|") > 1}
    chunks = {(b"%d" % start, b"0") for start, _ in entries}
    assert written <= {(b"%d" % start, label.encode()) for start, label in entries} | chunks


def test_a_window_without_new_rows_is_sealed_and_still_answers():
    """Most windows of a long day get no row any more: they take a tenth of the memory."""
    table_partition = TablePartition(stays(windows=(HOUR,), lateness_ms=DAY_MS))
    table_partition.fold(rows_of([(0, "a", n) for n in range(100)], "category", "hotel"))
    before = merge_entries(table_partition.table, HOUR, [part_of(table_partition, HOUR)])
    table_partition.snapshot()
    table_partition.fold(rows_of([(60_000, "b", 1)], "category", "hotel"))
    records = dict(table_partition.snapshot())
    assert b"stays|hour:sealed|0|0" not in records  # it got a row
    table_partition.fold(rows_of([(2 * 3_600_000, "c", 1)], "category", "hotel"))
    records = dict(table_partition.snapshot())

    assert (
        records[b"stays|hour|0|a"] is records[b"stays|hour|0|b"] is records[b"stays|hour/hotels|0|a"] is None
    )
    assert len(records[b"stays|hour:sealed|0|0"]) < 1_000
    window = merge_entries(table_partition.table, HOUR, [part_of(table_partition, HOUR)])[0]
    assert window["entries"] == [*before[0]["entries"], {"key": "b", "count": 1, "hotels": 1}]


def test_a_late_row_is_written_beside_the_sealed_window():
    """What is large is not written again because one row has come."""
    table_partition, changelog = TablePartition(stays(windows=(HOUR,))), {}
    table_partition.fold(rows_of([(0, "a", n) for n in range(2_494)], "category", "hotel"))
    write(table_partition, changelog)
    table_partition.fold(rows_of([(DAY_MS, "a", 1)], "category", "hotel"))
    write(table_partition, changelog)

    table_partition.fold(rows_of([(5, "a", 5_000)], "category", "hotel"))
    records = table_partition.snapshot()

    assert {key: len(value) for key, value in records} == {b"stays|hour|0|a": 14, b"stays|all|0|a": 14}
    [window, _] = merge_entries(table_partition.table, HOUR, [part_of(table_partition, HOUR)])
    assert window["entries"] == [{"key": "a", "count": 2_495, "hotels": 2_495}]


@pytest.mark.parametrize(
    "changed",
    [
        stays(hotels=Distinct("hotel_id")),
        stays(windows=(HOUR,)),
        stays(all_time=False),
        stays(nights=Sum("nights")),
        WindowedTable("stays", key="country", windows=(DAY,), hotels=Distinct("hotel")),
        WindowedTable("nights", key="category", windows=(DAY,), hotels=Distinct("hotel")),
        stays(windows=(DAY,), hotels=Sum("hotel")),
    ],
)
def test_the_changelog_of_another_declaration_is_refused(changed):
    """Counts of two meanings must never be added."""
    table_partition, changelog = TablePartition(stays()), {}
    table_partition.fold(rows_of([(0, "a", n) for n in range(100)], "category", "hotel"))
    write(table_partition, changelog)

    with pytest.raises(Misconfigured, match=r"changelog of .* has .*; expected"):
        restored(changed, changelog)


def test_lateness_retention_and_bounds_may_change():
    """They say what happens next, not what the entries mean."""
    table_partition, changelog = TablePartition(stays()), {}
    table_partition.fold(rows_of([(0, "a", 1)], "category", "hotel"))
    write(table_partition, changelog)

    again = restored(stays(windows=(DAY.kept_for(5),), lateness_ms=1, max_keys=7), changelog)

    assert held(again) == held(table_partition)


def test_a_deleted_entry_is_no_cell():
    """A changelog that is not compacted yet still has the entry before its tombstone."""
    table_partition = TablePartition(stays())
    table_partition.load(b"stays|day|0|a", b"\x93\x00\x01\xc4\x01x")
    table_partition.load(b"stays|day|0|b", b"\x93\x00\x01\xc4\x01x")
    table_partition.load(b"stays|day|0|a", None)
    table_partition.load(b"stays|day|0|c", None)
    table_partition.load(b"stays|day/hotels|0|c", None)
    table_partition.load(b"stays|progress", None)

    assert [label for _, label, _ in part_of(table_partition, DAY).entries] == ["b"]
