"""A model of windowed tables, which takes row after row and keeps everything; how one is compared with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st
from table_parts import merge_entries, part_of, totals_of
from table_rows import ColumnRows, rows_of

from dataflow.engine.tables import (
    FUTURE,
    UNDATED,
    Aggregation,
    Distinct,
    Max,
    Min,
    Sum,
    TablePartition,
    Window,
    WindowedTable,
)

RETENTION = {10: 25, 40: 60, 120: None}
"""By window size, both in units of time."""

NAMES = ("page", "user", "bytes")

Row = tuple[int, str | None, object, int]
"""Time, page, user and bytes."""

times = st.integers(-2, 300)
rows = st.lists(
    st.tuples(times, st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, "1", None]), st.integers(0, 9))
)
clocks = st.none() | st.integers(0, 200)
"""When the rows of a batch were written: what lies behind moves event time no further. None: in time."""
units = st.sampled_from([1, 10_000])
"""Milliseconds of a unit of time: with many, windows are also sealed while they are open."""

AGGREGATIONS: dict[str, Aggregation[Any, Any]] = {
    "users": Distinct("user"),
    "bytes": Sum("bytes"),
    "least": Min("bytes"),
    "most": Max("bytes"),
}


def table(
    lateness: int | None, unit: int = 1, max_keys: int = 100, names: Iterable[str] = tuple(AGGREGATIONS)
) -> WindowedTable:
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
        all_time=True,
        lateness_ms=None if lateness is None else lateness * unit,
        max_keys=max_keys,
        **{name: AGGREGATIONS[name] for name in names},
    )


def timed(batch: Iterable[Row], unit: int, now: int | None = None) -> ColumnRows:
    """Return rows with their times in milliseconds."""
    rows = [(row[0] * unit if row[0] >= 0 else row[0], *row[1:]) for row in batch]
    return rows_of(rows, *NAMES, now=None if now is None else now * unit)


Windows = dict[int, dict[str, dict[str, Any]]]
"""By start in units of time, then by key: results by name."""


class Model:
    """What the counts must be, by the rules as they are written down."""

    def __init__(self, lateness: int | None) -> None:
        self.lateness, self.newest = lateness, -1
        self.windows: dict[tuple[int, int], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        """By size and start: rows by key."""
        self.late, self.undated, self.future = Counter[int](), 0, 0

    def add(self, row: Row, now: int | None = None) -> None:
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

    def rewind(self, newest: int) -> None:
        """Go back in event time; what is dropped stays so."""
        kept = {size: self.counts(size).keys() for size in (0, *RETENTION)}
        for size, start in list(self.windows):
            if start not in kept[size]:
                del self.windows[size, start]
        self.newest = min(self.newest, newest)

    def is_over(self, start: int, size: int, more: int) -> bool:
        """Return whether the window has been closed for so long."""
        return self.lateness is not None and self.newest >= start + size + self.lateness + more

    def counts(self, size: int, names: Iterable[str] = tuple(AGGREGATIONS)) -> Windows:
        """Return what is still kept of one size: {start: {key: results}}."""
        retention = RETENTION.get(size)
        return {
            start: {key: results_of(kept, names) for key, kept in keys.items()}
            for (of, start), keys in self.windows.items()
            if of == size and (retention is None or not self.is_over(start, size, retention))
        }


def results_of(kept: Sequence[Row], names: Iterable[str]) -> dict[str, Any]:
    """Return the results of these rows."""
    users = {(type(row[2]), row[2]) for row in kept if row[2] is not None}
    sizes = [row[3] for row in kept]
    results = {"users": len(users), "bytes": sum(sizes), "least": min(sizes), "most": max(sizes)}
    return {"count": len(kept)} | {name: results[name] for name in names}


def counts(table_partition: TablePartition, window: Window, unit: int = 1) -> Windows:
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


def assert_equal(
    table_partition: TablePartition, model: Model, unit: int, names: Iterable[str] = tuple(AGGREGATIONS)
) -> None:
    """Compare all windows and all that is told beside them."""
    for window, size in zip(table_partition.table.every_window, [*RETENTION, 0], strict=True):
        assert counts(table_partition, window, unit) == model.counts(size, names)
        [totals] = totals_of(table_partition, window, None, None, ("count",)).by_aggregation
        of_all: Counter[str] = Counter()
        for entries in model.counts(size, ()).values():
            of_all.update({key: entry["count"] for key, entry in entries.items()})
        assert totals == of_all
    event_time = table_partition.event_time
    assert event_time.newest == (model.newest * unit if model.newest >= 0 else -1)
    assert event_time.late == {f"of_{size}": model.late[size] for size in RETENTION}
    assert (event_time.undated, event_time.future) == (model.undated, model.future)
