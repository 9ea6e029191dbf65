"""Grouping: the rows of a batch in, what each window and key gets of them out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias

from dataflow.engine.tables.windows import Window

EntryId: TypeAlias = tuple[int, str]
"""Start of the window in ms, and the key."""

Deltas: TypeAlias = Sequence[Sequence[Any]]  # each summary has deltas of its own type
"""Of each summary, in the order of the table, the delta of each group."""

SCATTERED: Final = 8
"""With fewer rows a window than this it costs more to group the rows than it saves."""


class Batch(NamedTuple):
    """Rows in log order: event times, keys, and of each summary but the count its column."""

    times: Sequence[int]
    keys: Sequence[str]
    columns: Sequence[Sequence[Any]]
    gather: Callable[[Sequence[Sequence[Any]], Sequence[Sequence[Any]]], Deltas]

    @property
    def rows(self) -> Sequence[Any]:
        """What stands for each row in a group: its only value, or else its number."""
        return self.columns[0] if len(self.columns) == 1 else range(len(self.times))

    def only(self, chosen: Iterable[bool]) -> "Batch":
        """Return the rows that are chosen."""
        mask = list(chosen)
        times, keys, *columns = (list(compress(c, mask)) for c in (self.times, self.keys, *self.columns))
        return Batch(times, keys, columns, self.gather)


class Groups(NamedTuple):
    """What each cell gets of a batch; a cell may come more than once.

    Where they are `alone` there is one place for each row, and columns take the place of deltas.
    """

    cells: Sequence[EntryId]
    deltas: Deltas
    alone: bool


def group(batch: Batch, window: Window) -> Groups:
    """Return the rows by cell of this window size; times must not be negative."""
    size = window.size_ms
    low, high = (window.start_of(min(batch.times)), window.start_of(max(batch.times))) if size else (0, 0)
    if low == high:  # the usual case of a live stream
        return groups_of(batch, {(low, key): rows for key, rows in _by_key(batch).items()})
    if (high - low) // size * SCATTERED > len(batch.times):
        cells = list(zip([time - time % size for time in batch.times], batch.keys, strict=True))
        return Groups(cells, (batch.times, *batch.columns), alone=True)
    groups: defaultdict[EntryId, list[Any]] = defaultdict(list)
    for time, key, row in zip(batch.times, batch.keys, batch.rows, strict=True):
        groups[time - time % size, key].append(row)
    return groups_of(batch, groups)


def groups_of(batch: Batch, rows: Mapping[EntryId, Sequence[Any]]) -> Groups:
    """Return these rows of a batch, which are by cell already."""
    return Groups(list(rows), batch.gather(batch.columns, list(rows.values())), alone=False)


def coarsen(batch: Batch, groups: Groups, window: Window) -> Groups:
    """Return the rows by cell of a larger window size."""
    if groups.alone:
        return group(batch, window)
    size = window.size_ms
    return groups._replace(cells=[(start - start % size if size else 0, key) for start, key in groups.cells])


def _by_key(batch: Batch) -> Mapping[str, list[Any]]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for key, row in zip(batch.keys, batch.rows, strict=True):
        groups[key].append(row)
    return groups
