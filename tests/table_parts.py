"""Parts: all that table partitions hold, and what an answer without pages would say of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from dataflow.engine.tables import OTHER, TablePartition, Totals, Window, WindowedTable
from dataflow.engine.tables.answer import WindowMarks
from dataflow.engine.tables.steps import finish
from dataflow.engine.tables.table import COUNT, KEY, MAX_PER_KEY
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_entry import EntryFormat, Packed
from dataflow.engine.tables.window_reader import WindowReader
from dataflow.instants import iso


class Part(NamedTuple):
    """What one partition has of the windows of a size: start, key and packed entry, and all else."""

    entries: list[tuple[int, str, Packed]]
    marks: WindowMarks


def reader_of(table_partition: TablePartition) -> WindowReader:
    """Return what reads a table partition, with nothing in its cache."""
    return WindowReader(table_partition, WeightedCache(1 << 20))


def part_of(
    table_partition: TablePartition,
    window: Window,
    from_ms: int | None = None,
    to_ms: int | None = None,
    key: str | None = None,
) -> Part:
    """Return what a table partition has of the windows that overlap [from, to), of one key or all."""
    reader = reader_of(table_partition)
    marks = reader.marks(window, window.starts_between(from_ms, to_ms), 10**9, newest=False)
    entries = []
    for mark in marks.windows:
        starts = mark.start, mark.start + window.size_ms if window.size_ms else None
        keys = list(finish(reader.states(window, starts, (1,)))[0]) if key is None else [key]
        found = finish(reader.entries(window, starts, keys))
        merge = table_partition.levels.store_of(window).format.merge_packed
        entries += [(mark.start, of, merge(parts)) for of, parts in zip(keys, found, strict=True) if parts]
    return Part(entries, marks)


def totals_of(
    table_partition: TablePartition,
    window: Window,
    from_ms: int | None,
    to_ms: int | None,
    aggregations: Sequence[str],
) -> Totals:
    """Return the sums of a table partition over the windows that overlap [from, to)."""
    starts = window.starts_between(from_ms, to_ms)
    return finish(reader_of(table_partition).totals(window, starts, aggregations))


def merge_entries(
    table: WindowedTable,
    window: Window,
    parts: Sequence[Part],
    *,
    merge_windows: bool = False,
    top: int | None = None,
    order: str = COUNT,
) -> list[dict[str, Any]]:
    """Return the windows as an answer without pages has them: all that the partitions have, then in order."""
    entry_format = EntryFormat(table, window)
    watermark = min((part.marks.watermark for part in parts if part.marks.newest >= 0), default=-1)
    windows: dict[int, dict[str, list[Packed]]] = defaultdict(lambda: defaultdict(list))
    starts: dict[int, set[int]] = defaultdict(set)
    for part in parts:
        for start, key, packed in part.entries:
            at = 0 if merge_windows else start
            starts[at].add(start)
            windows[at][key].append(packed)
    return [
        {
            "start": iso(min(starts[at])) if window.size_ms else None,
            "end": iso(max(starts[at]) + window.size_ms) if window.size_ms else None,
            "closed": 0 < window.size_ms <= watermark - max(starts[at]),
            "entries": _ranked(entry_format, windows[at], top, order),
        }
        for at in sorted(windows)
    ]


def _ranked(
    entry_format: EntryFormat, entries: dict[str, list[Packed]], top: int | None, order: str
) -> list[dict[str, Any]]:
    results = [
        {KEY: key}
        | {name: entry_format.result(slot, parts) for slot, name in enumerate(entry_format.names, 1)}
        | ({MAX_PER_KEY: sum(packed[0] for packed in parts)} if key == OTHER else {})
        for key, parts in sorted(entries.items())
    ]
    named = [entry for entry in results if entry[KEY] != OTHER]
    if order != KEY:
        named.sort(key=lambda entry: (entry[order] is not None, entry[order]), reverse=True)
    return named[:top] + [entry for entry in results if entry[KEY] == OTHER]
