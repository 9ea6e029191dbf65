"""Rows from lists, and everything that a table partition holds, for the tests of windowed tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import settings

from dataflow.engine.tables import Aggregation, TablePartition, WindowedTable, merge_entries
from dataflow.engine.tables.window_entry import decode

# a busy machine is no fault of the example that was being tried
unhurried = settings(deadline=None)


class ColumnRows:
    """Rows whose columns are lists."""

    def __init__(self, times: list[int], **columns: Sequence[object]) -> None:
        self.times = times
        self._columns = columns

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row."""
        return self._columns[name]

    def __len__(self) -> int:
        return len(self.times)


def rows_of(rows: Iterable[Sequence[object]], *names: str) -> ColumnRows:
    """Return rows given as tuples: the time, then a value for each name."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in (0, *names)]
    return ColumnRows(columns[0], **dict(zip(names, columns[1:], strict=True)))


def held(table_partition: TablePartition) -> dict[str, object]:
    """Return all that a table partition holds, as people see it, with what `(other)` may hide of each key."""
    found: dict[str, object] = {"progress": table_partition.event_time}
    for window in table_partition.table.every_window:
        answer = table_partition.answer(window)
        found[window.name] = merge_entries(table_partition.table, window, [answer])
        found[f"{window.name} hidden"] = {(start, key): decode(raw)[0] for start, key, raw in answer.entries}
    return found


def restored(table: WindowedTable, changelog: dict[bytes, bytes]) -> TablePartition:
    """Return a table partition made from a compacted changelog."""
    table_partition = TablePartition(table)
    for key, value in changelog.items():
        table_partition.load(key, value)
    return table_partition


def write(table_partition: TablePartition, changelog: dict[bytes, bytes]) -> None:
    """Take a snapshot and apply the entries to a changelog as compaction does."""
    for key, value in table_partition.snapshot():
        if value is None:
            changelog.pop(key, None)
        else:
            changelog[key] = value


def state_of(aggregation: Aggregation[Any, Any], values: Sequence[object]) -> Any:
    """Return the state of these values."""
    column = aggregation.prepare(values) if aggregation.column else values
    return aggregation.fold(aggregation.new(), aggregation.gather([column])[0])
