"""Grouping: the rows of a batch by window and key."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias

from dataflow.engine.tables.windows import Window

EntryId: TypeAlias = tuple[int, str]
"""Start of the window in ms, and the key."""

Deltas: TypeAlias = Sequence[Sequence[Any]]  # each aggregation has deltas of its own type
"""Of each aggregation, in the order of the table, the delta of each group."""

SCATTERED: Final = 8
"""With fewer rows a window than this it costs more to group the rows than it saves."""


class PreparedRows(NamedTuple):
    """Rows in log order: event times, keys, and of each aggregation but the count its column."""

    times: Sequence[int]
    keys: Sequence[str]
    columns: Sequence[Sequence[Any]]
    gather: Callable[[Sequence[Sequence[Any]], Sequence[Sequence[Any]]], Deltas]

    @property
    def rows(self) -> Sequence[Any]:
        """What stands for each row in a group: its only value, or else its number."""
        return self.columns[0] if len(self.columns) == 1 else range(len(self.times))

    def select(self, mask: Sequence[bool]) -> "PreparedRows":
        """Return the rows where the mask is true."""
        if False not in mask:
            return self
        times, keys, *columns = (list(compress(c, mask)) for c in (self.times, self.keys, *self.columns))
        return PreparedRows(times, keys, columns, self.gather)

    def between(self, begin: int, end: int) -> "PreparedRows":
        """Return the rows from one number up to another."""
        times, keys, *columns = (column[begin:end] for column in (self.times, self.keys, *self.columns))
        return PreparedRows(times, keys, columns, self.gather)


class Groups(NamedTuple):
    """What each entry gets of a batch; an entry may come more than once.

    Where they are `alone` there is one place for each row, and columns take the place of deltas.
    """

    entry_ids: Sequence[EntryId]
    deltas: Deltas
    alone: bool


def group(batch: PreparedRows, window: Window) -> Groups:
    """Return the rows by entry of this window size; times must not be negative."""
    size = window.size_ms
    low, high = (window.start_of(min(batch.times)), window.start_of(max(batch.times))) if size else (0, 0)
    if low == high:  # the usual case of a live stream
        return groups_of(batch, {(low, key): rows for key, rows in _by_key(batch).items()})
    if (high - low) // size * SCATTERED > len(batch.times):
        entry_ids = list(zip([time - time % size for time in batch.times], batch.keys, strict=True))
        return Groups(entry_ids, (batch.times, *batch.columns), alone=True)
    groups: defaultdict[EntryId, list[Any]] = defaultdict(list)
    for time, key, row in zip(batch.times, batch.keys, batch.rows, strict=True):
        groups[time - time % size, key].append(row)
    return groups_of(batch, groups)


def groups_of(batch: PreparedRows, rows: Mapping[EntryId, Sequence[Any]]) -> Groups:
    """Return these rows of a batch, which are by entry already."""
    return Groups(list(rows), batch.gather(batch.columns, list(rows.values())), alone=False)


def coarsen(batch: PreparedRows, groups: Groups, window: Window) -> Groups:
    """Return the rows by entry of a larger window size."""
    if groups.alone:
        return group(batch, window)
    size = window.size_ms
    return groups._replace(
        entry_ids=[(start - start % size if size else 0, key) for start, key in groups.entry_ids]
    )


def _by_key(batch: PreparedRows) -> Mapping[str, list[Any]]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for key, row in zip(batch.keys, batch.rows, strict=True):
        groups[key].append(row)
    return groups
