"""Totals of a range: added up over the partitions, with the reasons why they may be too low."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dataflow.analytics.span import Span
from dataflow.engine.tables import OTHER, Totals, Window, WindowedTable
from dataflow.engine.tables.answer import MOST_READ
from dataflow.instants import EARLIEST_MS, iso


class NotCovered(Exception):
    """The windows do not cover the range; the message says why."""


class NoAnswer(NotCovered):
    """No partition has answered; in a moment one may."""


@dataclass(frozen=True, slots=True)
class RangeTotals:
    """Totals by key, and why they may be too low; nothing: they are exact."""

    by_key: Mapping[str, Sequence[int]]
    lacks: Sequence[str]


def fitting_window(table: WindowedTable, span: Span) -> Window:
    """Return the largest windows that together are exactly the span; raise `NotCovered` if none are."""
    bounds = [bound for bound in (span.start_ms, span.end_ms) if bound is not None]
    for window in reversed(table.every_window):
        if not bounds or (window.size_ms and not any(bound % window.size_ms for bound in bounds)):
            return window
    raise NotCovered(f"start and end are not those of whole {table.windows[0].name}s")


def add_totals(
    table: WindowedTable, window: Window, span: Span, parts: Sequence[Totals], *, keyed: bool
) -> RangeTotals:
    """Add up the partitions, by key if `keyed`; raise `NotCovered` if windows are gone or too many."""
    _check_kept(table, window, span, parts)
    most = max((part.size for part in parts), default=0)
    if most > MOST_READ:
        raise NotCovered(f"its {most:,} entries by {window.name} are more than {MOST_READ:,}")
    by_key: dict[str, list[int]] = {}
    for part in parts:
        for place, states in enumerate(part.by_aggregation):
            for key, total in states.items():
                by_key.setdefault(key, [0] * len(part.by_aggregation))[place] += int(total)
    lacks = [*_before(table, span, parts), *_late(window, span, parts)]
    return RangeTotals(by_key, [*lacks, *_hidden(table, by_key)] if keyed else lacks)


def _check_kept(table: WindowedTable, window: Window, span: Span, parts: Sequence[Totals]) -> None:
    if not window.size_ms:
        return
    kept_from = max((part.kept_from for part in parts), default=0)
    first = -(-kept_from // window.size_ms) * window.size_ms
    start_ms = span.start_ms or 0
    if first > max(start_ms, EARLIEST_MS):
        raise NotCovered(f"{window.name} windows of {table.name} are kept from {iso(first)} on")


def _before(table: WindowedTable, span: Span, parts: Sequence[Totals]) -> Iterable[str]:
    since_ms = max((part.since_ms for part in parts if part.since_ms is not None), default=0)
    if since_ms > (span.start_ms or 0):
        yield f"requests before {iso(since_ms)}, from when on {table.name} counts"


def _late(window: Window, span: Span, parts: Sequence[Totals]) -> Iterable[str]:
    late_until = max((part.late_until for part in parts), default=-1)
    if late_until >= max(span.start_ms or 0, 0):
        yield f"requests up to {iso(late_until)} that came after their {window.name} was closed"


def _hidden(table: WindowedTable, by_key: Mapping[str, object]) -> Iterable[str]:
    if OTHER in by_key:
        yield (
            f"requests of keys that {table.name} does not tell apart, {OTHER}: "
            f"a window keeps {table.max_keys} (DATAFLOW_MAX_KEYS), or what DATAFLOW_STATE_MEMORY_BYTES allows"
        )
