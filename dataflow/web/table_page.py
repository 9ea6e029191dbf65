"""Pages of a table: which windows one answer has, and where the next goes on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

from dataflow.engine.tables.answer import MOST_READ, StartRange, WindowMark, WindowMarks
from dataflow.engine.tables.table import COUNT
from dataflow.http_error import bad_value
from dataflow.instants import iso
from dataflow.web.table_request import EACH, MOST_ENTRIES, PageStart, Selection

MOST_WINDOWS: Final = 5_000
"""That are looked at for one answer."""

TopicPartition: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """A window, or several that are put together."""

    starts: StartRange
    last_start: int
    versions: Sequence[tuple[TopicPartition, int, int]]
    """Of each window that is in it, in each partition."""
    size: int
    """How many entries there are to read."""
    keys: int
    """About how many keys they have."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The windows that fit into an answer, in order of time, and where those begin that do not."""

    spans: Sequence[WindowSpan]
    last_start: int
    """Of all windows that are asked for."""
    rest: int | None = None


def plan_of(selection: Selection, marks: Mapping[TopicPartition, WindowMarks], *, is_costly: bool) -> Plan:
    """Return what is in an answer; raise `HttpError` for more windows than can be put together.

    No more windows are read than will be shown. `is_costly` tells that the order is one of large
    states, which all have to be read.
    """
    found = defaultdict[int, list[tuple[TopicPartition, WindowMark]]](list)
    for tp, of in marks.items():
        for mark in of.windows:
            found[mark.start].append((tp, mark))
    starts = sorted(found)
    if selection.wants_newest:
        starts = starts[-selection.newest :]
    cut = [of.windows[-1].start for of in marks.values() if len(of.windows) == MOST_WINDOWS]
    size_ms = selection.window.size_ms
    if selection.merge and starts:
        span = _span(found, starts, size_ms)
        _check_size(span, is_cut=bool(cut))
        return Plan([span], starts[-1])
    spans, read, shown = list[WindowSpan](), 0, 0
    most_read = MOST_ENTRIES if is_costly else MOST_READ
    for start in starts:
        span = _span(found, [start], size_ms)
        read += min(span.size, MOST_ENTRIES) if is_costly else span.size
        is_full = shown >= selection.limit or read > most_read
        if start > min(cut, default=inf) or (spans and is_full):
            return Plan(spans, starts[-1], start)
        spans.append(span)
        shown += 1 if selection.has_one_entry else min(span.keys, selection.top or span.keys)
    return Plan(spans, max(starts, default=0))


def _span(
    found: Mapping[int, Sequence[tuple[TopicPartition, WindowMark]]], starts: Sequence[int], size_ms: int
) -> WindowSpan:
    marks = [each for start in starts for each in found[start]]
    return WindowSpan(
        (starts[0], starts[-1] + size_ms if size_ms else None),
        starts[-1],
        tuple((tp, mark.start, mark.version) for tp, mark in marks),
        sum(mark.size for _, mark in marks),
        max(mark.keys for _, mark in marks),
    )


def _check_size(span: WindowSpan, *, is_cut: bool) -> None:
    if is_cut or span.size > MOST_READ:
        windows = f"more than {MOST_WINDOWS:,} windows" if is_cut else f"{span.size:,} entries"
        raise bad_value(
            "merge", "true", f"a shorter range from, to, or larger windows: of these, {windows} are too many"
        )


def address(table: str, selection: Selection, plan: Plan, place: PageStart) -> str:
    """Return the address of the page that goes on at a place; the newest windows are those of now."""
    of_key = "" if selection.key is None else f"/{quote(selection.key, safe='')}"
    from_ms, to_ms = selection.from_ms, selection.to_ms
    if selection.wants_newest and selection.window.size_ms:
        from_ms, to_ms = plan.spans[0].starts[0], plan.last_start + selection.window.size_ms
    parameters = {
        "window": selection.window.name,
        "from": None if from_ms is None else iso(from_ms),
        "to": None if to_ms is None else iso(to_ms),
        "topic": selection.topic,
        "merge": "true" if selection.merge else None,
        "keys": None if selection.keys == EACH else selection.keys,
        "where": selection.where,
        "top": selection.top,
        "order": None if selection.order == COUNT else selection.order,
        "limit": selection.limit,
        "after": f"{place.start}:{place.shown}",
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"/tables/{table}{of_key}?{urlencode(given)}"
