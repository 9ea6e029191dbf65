"""Windowed tables against a model: batches, checkpoints, restarts and disks show in no number."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_state import StoredState
from table_model import AGGREGATIONS, Model, assert_equal, clocks, rows, table, timed, times, units
from table_rows import held, restored, unhurried, write

from dataflow.engine.tables import TablePartition

steps = st.lists(st.tuples(rows, clocks, st.sampled_from(["go on", "snapshot", "restart", "replay"])))


@unhurried
@given(
    steps,
    st.sampled_from([None, 0, 7, 35]),
    st.sampled_from([(), ("users",), ("bytes",), tuple(AGGREGATIONS)]),
    units,
)
def test_any_batches_snapshots_and_restarts_give_what_row_after_row_gives(steps, lateness, names, unit):
    """Where a batch, a checkpoint or a worker's life ends must not show in any number.

    Nor whether a window is open, packed, sealed or rolled up, or was when a late row came.
    """
    table_partition, model, log = TablePartition(table(lateness, unit, names=names)), Model(lateness), []
    for batch, now, then in steps:
        table_partition.fold(timed(batch, unit, now))
        for row in batch:
            model.add(row, now)
        if then != "go on":
            log += table_partition.snapshot()
        if then == "restart":  # from a compacted changelog
            table_partition = restored(table_partition.table, dict(log))
        if then == "replay":
            table_partition = restored(table_partition.table, log)

    assert_equal(table_partition, model, unit, names)


@unhurried
@given(st.lists(st.tuples(times, st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 9))), units)
def test_a_snapshot_after_each_row_gives_the_same(batch, unit):
    """Whatever is sealed at any moment, and restored from there."""
    table_partition, model, changelog = TablePartition(table(20, unit)), Model(20), {}
    for row in batch:
        table_partition.fold(timed([row], unit))
        model.add(row)
        write(table_partition, changelog)

    assert_equal(table_partition, model, unit)
    assert_equal(restored(table_partition.table, changelog), model, unit)


@unhurried
@given(
    st.lists(st.tuples(rows, clocks, st.none() | st.integers(0, 100))), st.sampled_from([None, 0, 20]), units
)
def test_a_partition_that_goes_back_in_time_counts_every_row_once(steps, lateness, unit):
    """A poisoned state heals: windows that were rolled up or shut too early take rows again."""
    table_partition, model, changelog = TablePartition(table(lateness, unit)), Model(lateness), {}
    for batch, now, back_to in steps:
        table_partition.fold(timed(batch, unit, now))
        for row in batch:
            model.add(row, now)
        write(table_partition, changelog)
        if back_to is not None:
            table_partition = restored(table_partition.table, changelog)
            table_partition.rewind(back_to * unit)
            model.rewind(back_to)

    assert_equal(table_partition, model, unit)


@unhurried
@given(steps, st.sampled_from([None, 0, 20]), units)
def test_the_changelog_alone_is_what_the_table_partition_holds(steps, lateness, unit):
    """An entry that is forgotten, or deleted too late, would come back after a takeover."""
    table_partition, changelog = TablePartition(table(lateness, unit)), {}
    for batch, now, _ in steps:
        table_partition.fold(timed(batch, unit, now))
        write(table_partition, changelog)

    assert held(restored(table_partition.table, changelog)) == held(table_partition)
    assert table_partition.snapshot() == []


@unhurried
@given(rows, st.randoms(use_true_random=False), units)
def test_counts_do_not_depend_on_the_order_of_arrival_when_nothing_is_late(batch, dice, unit):
    """Bookings come in any order of their dates."""
    shuffled = dice.sample(batch, len(batch))
    one, other = TablePartition(table(None, unit)), TablePartition(table(None, unit))

    one.fold(timed(batch, unit))
    for row in shuffled:
        other.fold(timed([row], unit))
        other.snapshot()

    assert held(one) == held(other)


@pytest.mark.parametrize("unit", [1, 10_000])
def test_an_hour_is_written_once_and_not_with_each_of_its_minutes(unit):
    """A large window costs nothing until event time has left it."""
    table_partition, keys = TablePartition(table(None, unit)), []
    for time in range(170):
        table_partition.fold(timed([(time, "a", 1, 1)], unit))
        keys += [key.decode().split("|")[1:3] for key, _ in table_partition.snapshot()]

    assert keys.count(["of_40:sealed", "0"]) == keys.count(["of_40:sealed", f"{40 * unit}"]) == 1
    assert keys.count(["of_120:sealed", "0"]) == keys.count(["all:sealed", "0"]) == 1
    assert not [key for key in keys if key[0] in {"of_40", "of_120", "all"}]


lives = st.lists(
    st.tuples(rows, clocks, st.sampled_from(["go on", "commit", "flush", "kill", "stop", "lose the disk"]))
)


@unhurried
@given(lives, st.sampled_from([None, 0, 35]), units, st.integers(2, 100))
def test_kills_and_disks_kept_or_lost_change_no_number(lives, lateness, unit, max_keys):
    """Restored from disk and the end of the changelog, or from the changelog alone; twice is as once."""
    declared, model = table(lateness, unit, max_keys), Model(lateness)

    async def live(folder):
        worker = StoredState(folder, declared)
        await worker.begin()
        for batch, now, then in lives:
            worker.fold(timed(batch, unit, now))
            for row in batch:
                model.add(row, now)
            await next_life(worker, then)
        assert_equal(worker.counted, model, unit)
        await worker.local.close()

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


async def next_life(worker, then):
    """Write a checkpoint, or end and begin again."""
    if then in {"commit", "flush", "stop"}:
        worker.commit()
    if then == "flush":
        await worker.local.flush()
    if then == "stop":
        await worker.end()
    if then in {"kill", "lose the disk"}:
        await worker.kill(keep_disk=then == "kill")
    if then in {"kill", "stop", "lose the disk"}:
        await worker.begin()
