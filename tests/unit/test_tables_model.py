"""Windowed tables against a model that takes row after row and keeps everything."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st
from table_rows import held, restored, rows_of, unhurried, write

from dataflow.engine.tables import (
    ALL,
    FUTURE,
    UNDATED,
    Distinct,
    Max,
    Min,
    Sum,
    TablePartition,
    Window,
    WindowedTable,
    merge_entries,
)

SMALL, LARGE = Window("small", 10, retention_ms=25), Window("large", 40, retention_ms=60)
NAMES = ("page", "user", "bytes")

times = st.integers(-2, 300)
rows = st.lists(
    st.tuples(times, st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, "1", None]), st.integers(0, 9))
)
steps = st.lists(st.tuples(rows, st.sampled_from(["go on", "cut", "restart"])))


SUMMARIES = {"users": Distinct("user"), "bytes": Sum("bytes"), "least": Min("bytes"), "most": Max("bytes")}


def table(lateness_ms, max_keys=100, names=tuple(SUMMARIES)):
    """Return a table of two window sizes and all time."""
    return WindowedTable(
        "views",
        key="page",
        windows=(SMALL, LARGE) if lateness_ms is not None else (Window("small", 10), Window("large", 40)),
        lateness_ms=lateness_ms,
        max_keys=max_keys,
        **{name: SUMMARIES[name] for name in names},
    )


class Model:
    """What the counts must be, by the rules as they are written down."""

    def __init__(self, lateness_ms):
        self.lateness_ms, self.newest = lateness_ms, -1
        self.windows = defaultdict(lambda: defaultdict(list))  # (size, start): {key: rows}
        self.late, self.undated, self.future = Counter(), 0, 0

    def add(self, row):
        """Take one row."""
        time = row[0]
        self.windows[0, 0][row[1] or "(none)"].append(row)
        if time < 0:
            self.undated += time == UNDATED
            self.future += time == FUTURE
            return
        self.newest = max(self.newest, time)
        for size in (10, 40):
            start = time - time % size
            if self.is_over(start, size, 0):
                self.late[size] += 1
            else:
                self.windows[size, start][row[1] or "(none)"].append(row)

    def is_over(self, start, size, more_ms):
        """Return whether the window has been closed for so long."""
        return self.lateness_ms is not None and self.newest >= start + size + self.lateness_ms + more_ms

    def counts(self, size, retention_ms, names):
        """Return what is still kept of one size: {start: {key: results}}."""
        return {
            start: {key: aggregation(kept, names) for key, kept in keys.items()}
            for (of, start), keys in self.windows.items()
            if of == size and not (size and self.is_over(start, size, retention_ms))
        }


def aggregation(kept, names):
    """Return the results of these rows."""
    users = {(type(row[2]), row[2]) for row in kept if row[2] is not None}
    sizes = [row[3] for row in kept]
    results = {"users": len(users), "bytes": sum(sizes), "least": min(sizes), "most": max(sizes)}
    return {"count": len(kept)} | {name: results[name] for name in names}


def counts(table_partition, window):
    """Return what a shard has of one size, in the form of the model."""
    entries = defaultdict(dict)
    for start, key, raw in table_partition.answer(window).entries:
        part = table_partition.answer(window, start or None, start + 1 if start else None, key)
        assert (start, key, raw) in part.entries
        entries[start][key] = raw
    windows = merge_entries(table_partition.table, window, [table_partition.answer(window)])
    return {
        start: {e.pop("key"): e for e in found["entries"]}
        for start, found in zip(sorted(entries), windows, strict=True)
    }


@unhurried
@given(
    steps, st.sampled_from([None, 0, 7, 35]), st.sampled_from([(), ("users",), ("bytes",), tuple(SUMMARIES)])
)
def test_any_batches_cuts_and_restarts_give_what_row_after_row_gives(steps, lateness_ms, names):
    """Where a batch, a checkpoint or a worker's life ends must not show in any number."""
    table_partition, model, changelog = (
        TablePartition(table(lateness_ms, names=names)),
        Model(lateness_ms),
        {},
    )
    for batch, then in steps:
        table_partition.fold(rows_of(batch, *NAMES))
        for row in batch:
            model.add(row)
        if then != "go on":
            write(table_partition, changelog)
        if then == "restart":
            table_partition = restored(table_partition.table, changelog)

    assert counts(table_partition, ALL) == model.counts(0, 0, names)
    assert counts(table_partition, table_partition.table.window("small")) == model.counts(10, 25, names)
    assert counts(table_partition, table_partition.table.window("large")) == model.counts(40, 60, names)
    assert table_partition.event_time.newest == model.newest
    assert table_partition.event_time.late == {"small": model.late[10], "large": model.late[40]}
    assert (table_partition.event_time.undated, table_partition.event_time.future) == (
        model.undated,
        model.future,
    )


@unhurried
@given(steps, st.sampled_from([None, 0, 20]))
def test_the_changelog_alone_is_what_the_shard_holds(steps, lateness_ms):
    """An entry that is forgotten, or deleted too late, would come back after a takeover."""
    table_partition, changelog = TablePartition(table(lateness_ms)), {}
    for batch, _ in steps:
        table_partition.fold(rows_of(batch, *NAMES))
        write(table_partition, changelog)

    assert held(restored(table_partition.table, changelog)) == held(table_partition)
    assert table_partition.snapshot() == []


@unhurried
@given(rows, st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_the_order_of_arrival_when_nothing_is_late(batch, dice):
    """Bookings come in any order of their dates."""
    shuffled = dice.sample(batch, len(batch))
    one, other = TablePartition(table(None)), TablePartition(table(None))

    one.fold(rows_of(batch, *NAMES))
    for row in shuffled:
        other.fold(rows_of([row], *NAMES))

    assert held(one) == held(other)


@unhurried
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from("abcdefghij"), st.just(None), st.just(1)), max_size=200
    ),
    st.data(),
)
def test_a_full_window_keeps_the_same_keys_however_the_rows_come_in_batches(batch, data):
    """Otherwise a replay after a crash would count other keys apart than the first run did."""
    whole, split, changelog = (
        TablePartition(table(None, max_keys=2)),
        TablePartition(table(None, max_keys=2)),
        {},
    )

    whole.fold(rows_of(batch, *NAMES))
    while batch:
        size = data.draw(st.integers(1, len(batch)))
        split.fold(rows_of(batch[:size], *NAMES))
        batch = batch[size:]
        if data.draw(st.booleans()):
            write(split, changelog)
            split = restored(split.table, changelog)

    assert held(split) == held(whole)
