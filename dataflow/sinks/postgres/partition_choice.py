"""Partition choice: which days get a partition of their own; the default partition has the others."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

AHEAD_DAYS = 2  # so that no writer waits at midnight
NEAR_DAYS = 31
"""Days up to so long ago, and those ahead, always get a partition."""
FAR_AT_ONCE = 16
"""A batch with more other days than these has old events in no order: they stay in the default partition."""
MOST_PARTITIONS = 1_000
"""Of one table; near days are made beyond that. A query of all days takes three locks for each of them,
and a server has 6,400 by default."""
WORTH_ROWS = 10_000
MOST_MOVED_ROWS = 500_000
"""The default partition is locked while the rows of a day are moved out of it: seconds for so many."""
JOINED_AT_ONCE = 16


def ahead(today: date) -> Collection[date]:
    """Return the days whose partitions are created before they are needed."""
    return [today + timedelta(days=days) for days in range(AHEAD_DAYS + 1)]


def days_to_create(missing: Collection[date], existing: int, today: date) -> list[date]:
    """Return which of the missing days of a batch get a partition now; there are `existing` ones."""
    near = [day for day in missing if _is_near(day, today)]
    far = sorted(set(missing) - set(near), reverse=True)
    room = max(0, MOST_PARTITIONS - existing - len(near))
    return sorted([*near, *(far[:room] if len(far) <= FAR_AT_ONCE else ())])


def days_to_join(rows: Mapping[date, int], existing: int, today: date) -> list[date]:
    """Return which days of the default partition, with so many rows, get a partition of their own."""
    movable = {day: count for day, count in rows.items() if count <= MOST_MOVED_ROWS}
    near = [day for day in movable if _is_near(day, today)]
    worth = [day for day in movable if day not in near and movable[day] >= WORTH_ROWS]
    room = max(0, MOST_PARTITIONS - existing - len(near))
    largest = sorted(worth, key=lambda day: movable[day], reverse=True)[:room]
    return [*sorted(near), *largest][:JOINED_AT_ONCE]


def _is_near(day: date, today: date) -> bool:
    return today - timedelta(days=NEAR_DAYS) <= day <= today + timedelta(days=AHEAD_DAYS)
