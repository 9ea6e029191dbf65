"""Rows from lists, and everything that a table partition holds, for the tests of windowed tables."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import settings
from table_parts import merge_entries, part_of

from dataflow.engine.tables import Aggregation, TablePartition, Window, WindowedTable
from dataflow.engine.tables.changelog import ChangelogRecord

# a busy machine is no fault of the example that was being tried
unhurried = settings(deadline=None)


class ColumnRows:
    """Rows whose columns are lists."""

    def __init__(self, times: list[int], now: int | None = None, **columns: Sequence[object]) -> None:
        self.times = times
        self.advances = times if now is None else [min(time, now) for time in times]
        self._columns = columns

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row."""
        return self._columns[name]

    def __len__(self) -> int:
        return len(self.times)


def rows_of(rows: Iterable[Sequence[object]], *names: str, now: int | None = None) -> ColumnRows:
    """Return rows given as tuples: the time, then a value for each name; written at `now`, or in time."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in (0, *names)]
    return ColumnRows(columns[0], now, **dict(zip(names, columns[1:], strict=True)))


def counts_of(table_partition: TablePartition, window: Window) -> dict[tuple[int, str], int]:
    """Return the number of rows by start of the window and key."""
    counts: Counter[tuple[int, str]] = Counter()
    for start, key, packed in part_of(table_partition, window).entries:
        counts[start, key] += packed[1]
    return dict(counts)


def held(table_partition: TablePartition) -> dict[str, object]:
    """Return all that a table partition holds, as people see it, with what `(other)` may hide of each key."""
    found: dict[str, object] = {"event time": table_partition.event_time}
    for window in table_partition.table.every_window:
        answer = part_of(table_partition, window)
        found[window.name] = merge_entries(table_partition.table, window, [answer])
        error_bounds: Counter[tuple[int, str]] = Counter()
        for start, key, packed in answer.entries:
            error_bounds[start, key] += packed[0]
        found[f"{window.name} error bounds"] = error_bounds
    return found


def restored(
    table: WindowedTable, changelog: Mapping[bytes, bytes | None] | Sequence[ChangelogRecord]
) -> TablePartition:
    """Return a table partition made from a changelog, compacted or not."""
    table_partition = TablePartition(table)
    for key, value in changelog.items() if isinstance(changelog, Mapping) else changelog:
        table_partition.load(key, value)
    return table_partition


def write(table_partition: TablePartition, changelog: dict[bytes, bytes], *, is_upkept: bool = False) -> None:
    """Take a snapshot, and apply its records to a changelog as compaction does."""
    for key, value in table_partition.snapshot(is_upkept=is_upkept):
        if value is None:
            changelog.pop(key, None)
        else:
            changelog[key] = value


def state_of(aggregation: Aggregation[Any, Any], values: Sequence[object]) -> Any:
    """Return the state of these values."""
    column = aggregation.prepare(values) if aggregation.column else values
    return aggregation.fold(aggregation.new(), aggregation.gather([column])[0])
