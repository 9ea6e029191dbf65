"""Merging: the windows of a table, merged over its partitions, as JSON can carry them."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from dataflow.engine.tables.answer import Part
from dataflow.engine.tables.labels import OTHER
from dataflow.engine.tables.table import COUNT, KEY, MAX_PER_KEY, WindowedTable
from dataflow.engine.tables.window_entry import EntryFormat, Packed
from dataflow.engine.tables.windows import Window
from dataflow.instants import iso

Json: TypeAlias = dict[str, Any]  # what orjson writes
Entries: TypeAlias = dict[str, list[Packed]]
"""By key the packed entries that add up."""


def orders(table: WindowedTable) -> tuple[str, ...]:
    """Return what the entries of a table can be ordered by: aggregations that are numbers, and key."""
    numbers = (name for name, s in table.aggregations.items() if isinstance(s.result(s.new()), int | None))
    return (*numbers, KEY)


def merge_entries(
    table: WindowedTable,
    window: Window,
    parts: Sequence[Part],
    *,
    merge_windows: bool = False,
    top: int | None = None,
    order: str = COUNT,
) -> list[Json]:
    """Return the windows in order of time, each with its entries, the greatest first.

    Entries of equal rank are in order of key, as all are with `order` "key"; `(other)` is always
    last, beyond `top`, and tells as `max_per_key` how many rows any one key may have in it.
    A window is closed when it is closed in every partition that answered and has seen an event.
    All time has neither start nor end: both are None.
    """
    entry_format = EntryFormat(table, window)
    watermark = min((part.watermark for part in parts if part.newest >= 0), default=-1)
    merged = []
    for starts, entries in _windows(parts, merge_windows):
        end = starts[-1] + window.size_ms
        merged.append(
            {
                "start": iso(starts[0]) if window.size_ms else None,
                "end": iso(end) if window.size_ms else None,
                "closed": window.size_ms > 0 and end <= watermark,
                "entries": _ranked(entry_format, entries, top, order),
            }
        )
    return merged


def _windows(parts: Iterable[Part], merge_windows: bool) -> list[tuple[list[int], Entries]]:
    """Return the starts and the entries of each window, or of all as one."""
    windows: dict[int, Entries] = {}
    starts: dict[int, set[int]] = {}
    for part in parts:
        for start, key, packed in part.entries:
            at = 0 if merge_windows else start
            starts.setdefault(at, set()).add(start)
            windows.setdefault(at, {}).setdefault(key, []).append(packed)
    return [(sorted(starts[at]), windows[at]) for at in sorted(windows)]


def _ranked(entry_format: EntryFormat, entries: Entries, top: int | None, order: str) -> list[Json]:
    """Return the entries that are shown; what does not decide the order is merged only for these."""
    other = entries.pop(OTHER, None)
    keys = sorted(entries)
    if order != KEY:
        slot = entry_format.names.index(order) + 1
        results: dict[str, Any] = {key: entry_format.result(slot, entries[key]) for key in keys}
        ranked = sorted((k for k in keys if results[k] is not None), key=results.__getitem__, reverse=True)
        keys = ranked + [k for k in keys if results[k] is None]
    shown = [{KEY: key} | _results(entry_format, entries[key]) for key in keys[:top]]
    if other is not None:
        error_bound = sum(packed[0] for packed in other)
        shown.append({KEY: OTHER} | _results(entry_format, other) | {MAX_PER_KEY: error_bound})
    return shown


def _results(entry_format: EntryFormat, parts: Sequence[Packed]) -> Json:
    return {name: entry_format.result(slot, parts) for slot, name in enumerate(entry_format.names, 1)}
