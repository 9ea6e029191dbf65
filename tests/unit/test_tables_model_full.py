"""Windowed tables against a model: full windows and too little memory lose no row."""

from hypothesis import given
from hypothesis import strategies as st
from table_model import RETENTION, Model, counts, table, timed, units
from table_rows import held, restored, unhurried, write

from dataflow.engine.tables import OTHER, TablePartition

crowds = st.lists(
    st.tuples(st.integers(-2, 150), st.sampled_from("abcdefghij"), st.just(None), st.just(1)), max_size=200
)


@unhurried
@given(crowds, st.sampled_from([None, 0, 20]), units, st.data())
def test_a_full_window_keeps_the_same_keys_however_the_rows_come_in_batches(batch, lateness, unit, data):
    """Otherwise a replay after a crash would count other keys apart than the first run did."""
    declared = table(lateness, unit, max_keys=2)
    whole, split, changelog = TablePartition(declared), TablePartition(declared), {}

    whole.fold(timed(batch, unit))
    while batch:
        size = data.draw(st.integers(1, len(batch)))
        split.fold(timed(batch[:size], unit))
        batch = batch[size:]
        if data.draw(st.booleans()):
            write(split, changelog)
            split = restored(split.table, changelog)

    assert held(split) == held(whole)


@unhurried
@given(crowds, st.sampled_from([None, 20]), st.integers(1, 4), units)
def test_full_windows_lose_no_row_when_they_are_rolled_up(batch, lateness, max_keys, unit):
    """Of the n rows of a window no key hides more than n / (max_keys + 1), whatever was merged."""
    table_partition, model = TablePartition(table(lateness, unit, max_keys, ())), Model(lateness)
    for row in batch:
        table_partition.fold(timed([row], unit))
        table_partition.snapshot()
        model.add(row)

    for rows, error_bound in checked_windows(table_partition, model, unit):
        assert error_bound <= rows / (max_keys + 1)


def checked_windows(table_partition, model, unit):
    """Yield rows and error bound of each window, of which no row is lost, and no key hides more than that."""
    for window, size in zip(table_partition.table.every_window, [*RETENTION, 0], strict=True):
        found, expected = counts(table_partition, window, unit), model.counts(size, ())
        assert found.keys() == expected.keys()
        for start, entries in found.items():
            error_bound = entries.get(OTHER, {"max_per_key": 0})["max_per_key"]
            rows = sum(entry["count"] for entry in expected[start].values())
            assert sum(entry["count"] for entry in entries.values()) == rows
            for key, entry in expected[start].items():
                assert 0 <= entry["count"] - entries.get(key, {"count": 0})["count"] <= error_bound
            yield rows, error_bound


pressed = st.lists(
    st.tuples(crowds, st.sampled_from(["go on", "snapshot", "relieve", "thin out", "restart"])), max_size=8
)


@unhurried
@given(pressed, st.sampled_from([None, 20]), st.integers(1, 4), units)
def test_tables_short_of_memory_lose_no_row(steps, lateness, kept, unit):
    """Packed and sealed early, or thinned out and then rolled up: no key hides more than `(other)` says."""
    table_partition, model, changelog = TablePartition(table(lateness, unit, 100, ())), Model(lateness), {}
    for batch, then in steps:
        table_partition.fold(timed(batch, unit))
        for row in batch:
            model.add(row)
        if then in {"relieve", "thin out"}:
            relieve(table_partition, kept if then == "thin out" else None)
        if then != "go on":
            write(table_partition, changelog)
        if then == "restart":
            table_partition = restored(table_partition.table, changelog)

    assert list(checked_windows(table_partition, model, unit)) or not model.windows


def relieve(table_partition, kept=None):
    """Have the next snapshot pack and seal, or keep so many keys of each window."""
    for store in table_partition.levels.stores:
        if kept is None:
            store.relieve()
        else:
            for start in store.sizes():
                store.limit.evict(start, kept)
