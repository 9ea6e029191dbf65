"""Tables by hand: the events of each partition in log order in, every window of every table out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chaos.flows import Counted, Outcome

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LATENESS = HOUR  # of the live tables; windows of bookings are never closed
SIZES = {"minute": (MINUTE, 6 * HOUR), "hour": (HOUR, 7 * DAY), "day": (DAY, 90 * DAY)}
NEVER_CLOSED = {"stays_per_category": {"day": DAY}}

LONGEST_KEY = 200  # characters; a longer one is cut and ends with an ellipsis

Entries = dict[str, dict[str, int]]
"""Summaries by key."""

Windows = dict[str, dict[str | None, Entries]]
"""Entries by window size, start (ISO 8601; None of all time) and key."""

Cells = dict[tuple[str, int, str], dict[str, Any]]
"""Entries, their sets whole, by window size, start in ms and key."""


def tables_of(
    partitions: Iterable[Iterable[Outcome]],
) -> tuple[dict[str, Windows], dict[str, dict[str, int]]]:
    """Return the tables of one stream, and how many events were late by table and window size."""
    tables: dict[str, Cells] = defaultdict(lambda: defaultdict(_entry))
    late: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for events in partitions:
        by_table: dict[str, list[tuple[int, Counted]]] = defaultdict(list)
        for event in events:
            for table, counted in event.tables.items():
                by_table[table].append((event.at_ms, _shortened(counted)))
        for table, rows in by_table.items():
            _count(rows, table, tables[table], late[table])
    return {table: _shown(cells) for table, cells in tables.items()}, late


def windows_of(answer: Mapping[str, Iterable[Mapping[str, Any]]]) -> Windows:
    """Return what a worker or a changelog says of a table in the same form."""
    return {
        size: {window["start"]: _by_key(window["entries"]) for window in windows}
        for size, windows in answer.items()
    }


def _count(rows: list[tuple[int, Counted]], table: str, cells: Cells, late: dict[str, int]) -> None:
    own: dict[tuple[str, int, str], dict[str, Any]] = defaultdict(_entry)
    newest = -1
    closing = {} if table in NEVER_CLOSED else SIZES
    sizes = NEVER_CLOSED.get(table) or {name: size for name, (size, _) in SIZES.items()}
    for at, counted in rows:
        newest = max(newest, at)
        _add(own["all", 0, counted.key], counted)
        for name, size in sizes.items():
            start = at // size * size
            if name in closing and start + size + LATENESS <= newest:
                late[name] += 1
            else:
                _add(own[name, start, counted.key], counted)
    for (name, start, key), entry in own.items():
        size, kept = closing.get(name, (0, newest + DAY))
        if name == "all" or start + size + LATENESS + kept > newest:
            _merge(cells[name, start, key], entry)


def _shortened(counted: Counted) -> Counted:
    key = counted.key
    return counted if len(key) <= LONGEST_KEY else replace(counted, key=key[: LONGEST_KEY - 1] + "…")


def _entry() -> dict[str, Any]:
    return {"count": 0}


def _add(entry: dict[str, Any], counted: Counted) -> None:
    entry["count"] += 1
    for name, value in counted.values.items():
        if name.startswith("distinct_"):
            entry.setdefault(name, set()).update({value} - {None})
        else:
            entry[name] = entry.get(name, 0) + value


def _merge(entry: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        entry[name] = entry.get(name, set()) | value if isinstance(value, set) else entry.get(name, 0) + value


def _shown(cells: Cells) -> Windows:
    shown: Windows = defaultdict(lambda: defaultdict(dict))
    for (name, start, key), entry in cells.items():
        numbers = {n: len(value) if isinstance(value, set) else value for n, value in entry.items()}
        shown[name][None if name == "all" else _iso(start)][key] = numbers
    return {name: dict(windows) for name, windows in shown.items()}


def _by_key(entries: Iterable[Mapping[str, Any]]) -> Entries:
    return {entry["key"]: {n: value for n, value in entry.items() if n != "key"} for entry in entries}


def _iso(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
