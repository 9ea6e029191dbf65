"""Answers: what one partition holds of a query, in a form that goes between workers."""

import msgspec

from dataflow.engine.tables.window_entry import Packed


class Part(msgspec.Struct, frozen=True, array_like=True):
    """The entries of one partition that a query asks for.

    `entries` are start in ms, key and packed entry, which may be one of several parts; `watermark`
    is the instant in ms up to which windows that have ended are closed, -1 for none; `newest` how
    far event time is, -1 before the first; `late` the rows that came too late for this window size;
    `since_ms` the instant from which the table counts, None for the begin.
    """

    entries: list[tuple[int, str, Packed]]
    watermark: int
    newest: int
    late: int
    undated: int
    future: int
    since_ms: int | None = None


class Totals(msgspec.Struct, frozen=True, array_like=True):
    """Sums over the entries of one partition that a query asks for, and what they may lack.

    `by_key` has one number for each total that is asked for; `kept_from` is the instant in ms
    from which windows of this size are kept, `late_until` the highest event time of a row that
    came too late for one, -1 for none.
    """

    by_key: dict[str, list[int]]
    kept_from: int
    late_until: int
