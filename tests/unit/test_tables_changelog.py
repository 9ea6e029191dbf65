"""The changelog of a table: readable keys, only what changed, and refused where it does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_rows import held, restored, rows_of, unhurried, write

from dataflow.engine.tables import ALL, DAY, HOUR, Distinct, Shard, Sum, TopK, WindowedTable, merge_cells
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
    shard = Shard(stays())

    shard.fold(rows_of([(DAY_MS, "Short stay", 1)], "category", "hotel"))

    assert keys_of(shard.cut()) == {
        b"stays|day|86400000|Short stay",
        b"stays|all|0|Short stay",
        b"stays|progress",
    }


def test_only_what_changed_is_written_once():
    """A checkpoint costs what happened since the last one, not what was ever counted."""
    shard = Shard(stays())
    shard.fold(rows_of([(n * DAY_MS, "a", n) for n in range(50)], "category", "hotel"))
    shard.cut()

    shard.fold(rows_of([(0, "a", 1), (5, "a", 1)], "category", "hotel"))

    assert sorted(key for key, _ in shard.cut()) == [b"stays|all|0|a", b"stays|day|0|a"]
    assert shard.cut() == []


@unhurried
@given(
    st.lists(st.one_of(st.text(), st.none(), st.integers(), st.just("a|b|c"), st.just("\ud800")), min_size=1)
)
def test_keys_of_any_characters_come_back(keys):
    """A path may hold every character, the separator too; JSON can even escape half a character."""
    shard, changelog = Shard(stays()), {}
    shard.fold(rows_of([(0, key, 1) for key in keys], "category", "hotel"))

    write(shard, changelog)

    assert held(restored(shard.table, changelog)) == held(shard)


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
    shard = Shard(stays())
    shard.fold(rows_of([(0, key, 1)], "category", "hotel"))

    assert [label for _, label, _ in shard.answer(ALL).cells] == [shown]


def test_a_total_beyond_64_bits_goes_on_after_a_restart():
    """Log lines may claim any size; what stands beside the total in its cell must stay a number."""
    table = WindowedTable("sizes", key="category", windows=(), max_keys=2, bytes=Sum("bytes"))
    shard, changelog = Shard(table), {}
    shard.fold(rows_of([(0, "a", 2**63), (1, "a", 2**63), (1, "b", 1)], "category", "bytes"))
    write(shard, changelog)

    again = restored(table, changelog)
    for at in range(5):  # too many keys: the cells are ranked
        again.fold(rows_of([(at, key, 1) for key in "acdefg"], "category", "bytes"))
        write(again, changelog)

    entries = merge_cells(table, ALL, [again.answer(ALL)])[0]["entries"]
    assert sum(entry["count"] for entry in entries) == 3 + 5 * 6
    assert sum(entry["bytes"] for entry in entries) == 2.0**64


def test_a_large_state_is_written_apart_and_only_when_it_changed():
    """The count changes with every checkpoint, the set of all hotels hardly ever."""
    shard, changelog = Shard(stays(windows=())), {}
    shard.fold(rows_of([(0, "a|b", n) for n in range(2_494)], "category", "hotel"))
    first = dict(shard.cut())
    shard.fold(rows_of([(0, "a|b", 5)], "category", "hotel"))
    second = dict(shard.cut())
    changelog = first | second

    assert len(first[b"stays|all/hotels|0|a|b"]) == 8 * 2_494 + 1
    assert {key: len(value) for key, value in second.items()} == {b"stays|all|0|a|b": 6}
    again = restored(shard.table, changelog)
    assert held(again) == held(shard)
    again.fold(rows_of([(0, "a|b", 9_999)], "category", "hotel"))
    assert merge_cells(shard.table, ALL, [again.answer(ALL)])[0]["entries"] == [
        {"key": "a|b", "count": 2_496, "hotels": 2_495}
    ]
    assert keys_of(again.cut()) == {b"stays|all|0|a|b", b"stays|all/hotels|0|a|b"}


arrivals = st.tuples(st.integers(0, 400), st.sampled_from("abcdef"), st.integers(0, 99))


@unhurried
@given(st.lists(arrivals, max_size=60), st.integers(1, 3))
def test_large_states_live_and_die_with_their_cells(rows, max_keys):
    """Also when a window is deleted or a key goes into `(other)` and comes back small."""
    table = stays(windows=(DAY.kept_for(0),), lateness_ms=0, max_keys=max_keys, top=TopK("hotel"))
    shard, changelog = Shard(table), {}
    for day, key, first in rows:
        batch = [(day * DAY_MS // 50, key, first + n) for n in range(1 + first // 50 * 40)]
        shard.fold(rows_of(batch, "category", "hotel"))
        write(shard, changelog)

    assert held(restored(table, changelog)) == held(shard)
    cells = {(start, label) for w in table.every_window for start, label, _ in shard.answer(w).cells}
    written = {tuple(key.split(b"|", 3)[2:]) for key in changelog if key.count(b"|") > 1}
    assert written <= {(b"%d" % start, label.encode()) for start, label in cells}


def test_a_closed_window_is_kept_packed_and_still_answers():
    """Most windows of a long day are closed: they take a tenth of the memory."""
    shard = Shard(stays(windows=(HOUR,), lateness_ms=0))
    shard.fold(rows_of([(0, "a", n) for n in range(100)], "category", "hotel"))
    before = shard.answer(HOUR).cells
    shard.cut()
    shard.fold(rows_of([(DAY_MS, "a", 1)], "category", "hotel"))
    shard.cut()

    assert type(shard._cells["hour"]._windows[0]["a"]) is bytes
    assert shard.answer(HOUR).cells[:1] == before


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
    shard, changelog = Shard(stays()), {}
    shard.fold(rows_of([(0, "a", n) for n in range(100)], "category", "hotel"))
    write(shard, changelog)

    with pytest.raises(Misconfigured, match=r"changelog of .* has .*; expected"):
        restored(changed, changelog)


def test_lateness_retention_and_bounds_may_change():
    """They say what happens next, not what the entries mean."""
    shard, changelog = Shard(stays()), {}
    shard.fold(rows_of([(0, "a", 1)], "category", "hotel"))
    write(shard, changelog)

    again = restored(stays(windows=(DAY.kept_for(5),), lateness_ms=1, max_keys=7), changelog)

    assert held(again) == held(shard)


def test_a_deleted_entry_is_no_cell():
    """A changelog that is not compacted yet still has the entry before its tombstone."""
    shard = Shard(stays())
    shard.load(b"stays|day|0|a", b"\x93\x00\x01\xc4\x01x")
    shard.load(b"stays|day|0|b", b"\x93\x00\x01\xc4\x01x")
    shard.load(b"stays|day|0|a", None)
    shard.load(b"stays|day|0|c", None)
    shard.load(b"stays|day/hotels|0|c", None)
    shard.load(b"stays|progress", None)

    assert [label for _, label, _ in shard.answer(DAY).cells] == ["b"]
