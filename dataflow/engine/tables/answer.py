"""Answers: what one partition holds of a query, in a form that goes between workers."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

States: TypeAlias = Mapping[str, Any]  # a state is what its aggregation makes of it
"""By key one packed state, or a number."""

StartRange: TypeAlias = tuple[int, int | None]
"""Windows by their start in ms: the first of them, and where they end; None: there is no end."""


class WindowMark(msgspec.Struct, frozen=True, array_like=True):
    """A window that has entries.

    `version` is another one after each change; `size` is how many entries there are to read,
    those of the smaller windows that are part of it, too, `keys` about how many keys these have.
    """

    start: int
    version: int
    size: int
    keys: int


class WindowMarks(msgspec.Struct, frozen=True, array_like=True):
    """The windows of one partition that a query asks for, in order, and how far the partition is.

    `watermark` is the instant in ms up to which windows that have ended are closed, -1 for none;
    `newest` how far event time is, -1 before the first; `late` the rows that came too late for
    this window size; `since_ms` the instant from which the table counts, None for the begin.
    """

    windows: Sequence[WindowMark]
    watermark: int
    newest: int
    late: int
    undated: int
    future: int
    since_ms: int | None = None


class Totals(msgspec.Struct, frozen=True, array_like=True):
    """Sums over the entries of one partition that a query asks for, and what they may lack.

    `by_aggregation` is by key each total that is asked for, nothing where there would be more than
    `MOST_READ` entries to read; `kept_from` the instant in ms from which windows of this size are
    kept, `late_until` the highest event time of a row that came too late for one, -1 for none;
    `since_ms` the instant from which the table counts, None for the begin.
    """

    size: int
    by_aggregation: Sequence[States]
    kept_from: int
    late_until: int
    since_ms: int | None = None


MOST_READ = 1_000_000
"""Entries that are read for one answer: about a third of a second, in slices."""
