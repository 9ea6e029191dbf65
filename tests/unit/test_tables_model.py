"""Windowed tables against a model that takes row after row and keeps everything."""

import asyncio
from collections import Counter, defaultdict
from copy import deepcopy
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stored_state import StoredState
from table_parts import merge_entries, part_of, reader_of, totals_of
from table_rows import held, restored, rows_of, unhurried, write

from dataflow.engine.tables import (
    FUTURE,
    OTHER,
    UNDATED,
    Distinct,
    Max,
    Min,
    Sum,
    TablePartition,
    Window,
    WindowedTable,
    window_levels,
    window_reader,
)
from dataflow.engine.tables.steps import finish

RETENTION = {10: 25, 40: 60, 120: None}
"""By window size, both in units of time."""

NAMES = ("page", "user", "bytes")

times = st.integers(-2, 300)
rows = st.lists(
    st.tuples(times, st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, "1", None]), st.integers(0, 9))
)
clocks = st.none() | st.integers(0, 200)
"""When the rows of a batch were written: what lies behind moves event time no further. None: in time."""
steps = st.lists(st.tuples(rows, clocks, st.sampled_from(["go on", "snapshot", "restart", "replay"])))
units = st.sampled_from([1, 10_000])
"""Milliseconds of a unit of time: with many, windows are also sealed while they are open."""

AGGREGATIONS = {"users": Distinct("user"), "bytes": Sum("bytes"), "least": Min("bytes"), "most": Max("bytes")}


def table(lateness, unit=1, max_keys=100, names=tuple(AGGREGATIONS)):
    """Return a table of three window sizes and all time."""
    retention = RETENTION if lateness is not None else dict.fromkeys(RETENTION)
    sizes = [
        Window(f"of_{size}", size * unit, None if kept is None else kept * unit)
        for size, kept in retention.items()
    ]
    return WindowedTable(
        "views",
        key="page",
        windows=sizes,
        lateness_ms=None if lateness is None else lateness * unit,
        max_keys=max_keys,
        **{name: AGGREGATIONS[name] for name in names},
    )


def timed(batch, unit, now=None):
    """Return rows with their times in milliseconds."""
    rows = [(row[0] * unit if row[0] >= 0 else row[0], *row[1:]) for row in batch]
    return rows_of(rows, *NAMES, now=None if now is None else now * unit)


class Model:
    """What the counts must be, by the rules as they are written down."""

    def __init__(self, lateness):
        self.lateness, self.newest = lateness, -1
        self.windows = defaultdict(lambda: defaultdict(list))  # (size, start): {key: rows}
        self.late, self.undated, self.future = Counter(), 0, 0

    def add(self, row, now=None):
        """Take one row."""
        time = row[0]
        self.windows[0, 0][row[1] or "(none)"].append(row)
        if time < 0:
            self.undated += time == UNDATED
            self.future += time == FUTURE
            return
        self.newest = max(self.newest, time if now is None else min(time, now))
        for size in RETENTION:
            start = time - time % size
            if self.is_over(start, size, 0):
                self.late[size] += 1
            else:
                self.windows[size, start][row[1] or "(none)"].append(row)

    def rewind(self, newest):
        """Go back in event time; what is dropped stays so."""
        kept = {size: self.counts(size).keys() for size in (0, *RETENTION)}
        for size, start in list(self.windows):
            if start not in kept[size]:
                del self.windows[size, start]
        self.newest = min(self.newest, newest)

    def is_over(self, start, size, more):
        """Return whether the window has been closed for so long."""
        return self.lateness is not None and self.newest >= start + size + self.lateness + more

    def counts(self, size, names=tuple(AGGREGATIONS)):
        """Return what is still kept of one size: {start: {key: results}}."""
        retention = RETENTION.get(size)
        return {
            start: {key: results_of(kept, names) for key, kept in keys.items()}
            for (of, start), keys in self.windows.items()
            if of == size and (retention is None or not self.is_over(start, size, retention))
        }


def results_of(kept, names):
    """Return the results of these rows."""
    users = {(type(row[2]), row[2]) for row in kept if row[2] is not None}
    sizes = [row[3] for row in kept]
    results = {"users": len(users), "bytes": sum(sizes), "least": min(sizes), "most": max(sizes)}
    return {"count": len(kept)} | {name: results[name] for name in names}


def counts(table_partition, window, unit=1):
    """Return what a table partition has of one size, in the form of the model."""
    answer = part_of(table_partition, window)
    for start, key, packed in answer.entries:
        part = part_of(table_partition, window, start or None, start + 1 if start else None, key)
        assert (start, key, packed) in part.entries
    starts = sorted({start for start, _, _ in answer.entries})
    windows = merge_entries(table_partition.table, window, [answer])
    return {
        start // unit: {e.pop("key"): e for e in merged["entries"]}
        for start, merged in zip(starts, windows, strict=True)
    }


def assert_equal(table_partition, model, unit, names=tuple(AGGREGATIONS)):
    """Compare all windows and all that is told beside them."""
    for window, size in zip(table_partition.table.every_window, [*RETENTION, 0], strict=True):
        assert counts(table_partition, window, unit) == model.counts(size, names)
        [totals] = totals_of(table_partition, window, None, None, ("count",)).by_aggregation
        of_all = Counter()
        for entries in model.counts(size, ()).values():
            of_all.update({key: entry["count"] for key, entry in entries.items()})
        assert totals == of_all
    event_time = table_partition.event_time
    assert event_time.newest == (model.newest * unit if model.newest >= 0 else -1)
    assert event_time.late == {f"of_{size}": model.late[size] for size in RETENTION}
    assert (event_time.undated, event_time.future) == (model.undated, model.future)


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


work = st.lists(
    st.tuples(st.just("rows"), rows, clocks)
    | st.tuples(st.just("steps"), st.integers(1, 9), st.none())
    | st.tuples(st.sampled_from(["snapshot", "restart", "kill"]), st.none(), st.none()),
    max_size=30,
)


class Worked:
    """A table partition beside its model, and what both were when the changelog was last written."""

    def __init__(self, lateness, unit):
        self.unit, self.changelog = unit, {}
        self.counted, self.model = TablePartition(table(lateness, unit)), Model(lateness)
        self.written, self.upkeep = deepcopy(self.model), self.counted.upkeep()

    def do(self, what, some, now):
        """Count rows, go some steps on with the upkeep, write, or begin anew from what is written."""
        if what == "rows":
            self.counted.fold(timed(some, self.unit, now))
            for row in some:
                self.model.add(row, now)
        if what == "steps":
            for _ in range(some):
                if next(self.upkeep, self.upkeep) is self.upkeep:
                    self.upkeep = self.counted.upkeep()
        if what in {"snapshot", "restart"}:
            write(self.counted, self.changelog, is_upkept=True)
            self.written = deepcopy(self.model)
        if what in {"restart", "kill"}:
            self.counted = restored(self.counted.table, self.changelog)
            self.model, self.upkeep = deepcopy(self.written), self.counted.upkeep()


@unhurried
@given(work, st.sampled_from([None, 0, 20]), units)
@example([("rows", [(210, "a", 1, 0), (250, "a", 1, 0), (265, "a", 1, 0)], None)], 20, 1)  # due, then dropped
def test_upkeep_in_steps_shows_in_no_number_whatever_comes_in_between(work, lateness, unit):
    """Rows, late ones too, checkpoints and kills come while windows are rolled up, sealed and packed."""
    worked = Worked(lateness, unit)
    with patch.object(window_levels, "ROLLED_UP_AT_ONCE", 0):  # all of it is left to upkeep
        for doing in work:
            worked.do(*doing)
            assert_equal(worked.counted, worked.model, unit)
    assert_equal(restored(worked.counted.table, worked.changelog), worked.written, unit)


@unhurried
@given(work, work, units)
def test_what_is_read_in_steps_has_every_row_that_was_counted_before_once(first, meanwhile, unit):
    """Rows come, and windows are rolled up and sealed, while an answer is read."""
    worked, meanwhile = (
        Worked(None, unit),
        [doing for doing in meanwhile if doing[0] not in {"restart", "kill"}],
    )
    with (
        patch.object(window_levels, "ROLLED_UP_AT_ONCE", 0),
        patch.object(window_reader, "ENTRIES_AT_ONCE", 1),
    ):
        for doing in first:
            worked.do(*doing)
        for window in worked.counted.table.every_window:
            reader, read, rest = reader_of(worked.counted), None, iter(meanwhile)
            [before] = finish(reader.states(window, (0, None), (1,)))
            steps = reader.states(window, (0, None), (1,))
            while read is None:
                try:
                    next(steps)
                except StopIteration as done:
                    [read] = done.value
                for doing in islice(rest, 1):
                    worked.do(*doing)
            [after] = totals_of(worked.counted, window, None, None, ("count",)).by_aggregation
            assert before.keys() <= read.keys() <= after.keys()
            assert all(before.get(key, 0) <= read[key] <= after[key] for key in read)


@pytest.mark.parametrize("is_upkept", [False, True])
def test_much_is_rolled_up_in_steps_and_at_once_only_when_it_is_late(is_upkept):
    """An hour of many keys must not hold up the rows of all partitions."""
    table_partition = TablePartition(table(20, unit=1_000))
    table_partition.fold(
        timed([(time, f"page {n}", 1, 1) for time in range(0, 40, 10) for n in range(100)], 1_000)
    )
    rolled_up = table_partition.event_time.rolled_up

    table_partition.fold(timed([(51, "a", 1, 1)], 1_000))
    assert rolled_up.get("of_10", 0) == 0
    steps = sum(1 for _ in table_partition.upkeep()) if is_upkept else 0
    assert rolled_up.get("of_10", 0) == (40_000 if is_upkept else 0)
    assert (steps > 5) == is_upkept
    table_partition.fold(timed([(91, "a", 1, 1)], 1_000))
    assert rolled_up["of_10"] == 80_000


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
