"""Counts: one answer about a table, page by page.

First which windows there are, then the numbers that decide their order, then the entries that are
shown, and of all of it only what has changed since it was answered before.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from dataflow.engine.tables import OTHER, Window
from dataflow.engine.tables.merging import Ranking
from dataflow.http_error import bad_value, not_found, quoted, unavailable
from dataflow.instants import iso, iso_or_none
from dataflow.web.answer import lag_of, partitions_of
from dataflow.web.cluster_table import ClusterTable, Shown
from dataflow.web.table_answer import Apart, Entry, TableAnswer, TableWindow
from dataflow.web.table_page import MOST_WINDOWS, Plan, WindowSpan, address, plan_of
from dataflow.web.table_request import PageStart, Selection

EXAMPLE_KEYS: Final = 10
NO_ENTRIES: Final = b"[]"
MOST_TOGETHER: Final = 5_000
"""Keys of a window: the loop waits while they are added up."""


async def table_answer(cluster: ClusterTable, selection: Selection) -> TableAnswer:
    """Return what the owners of all partitions answer; raise `HttpError` when none does."""
    marks = await cluster.marks(*_wanted(selection), newest=selection.wants_newest)
    at_first = list(cluster.results)
    plan = plan_of(selection, marks, is_costly=cluster.is_costly)
    shown, place = await _shown(cluster, selection, plan)
    watermark = min((of.watermark for of in marks.values() if of.newest >= 0), default=-1)
    entries = await cluster.entries(shown)
    return TableAnswer(
        table=cluster.table.name,
        window=selection.window.name,
        windows=[
            _window(selection.window.size_ms, each, raw, watermark)
            for each, raw in zip(shown, entries, strict=True)
            if raw != NO_ENTRIES
        ],
        next=None if place is None else address(cluster.table.name, selection, plan, place),
        partitions=partitions_of(cluster.results),
        lag=lag_of(at_first),
        apart=Apart(*(sum(getattr(of, name) for of in marks.values()) for name in Apart.__struct_fields__)),
        suspended=cluster.suspended,
        since=iso_or_none(max((of.since_ms for of in marks.values() if of.since_ms), default=None)),
    )


def _wanted(selection: Selection) -> tuple[tuple[int, int | None], int]:
    """Return which windows are asked for: their starts, and how many at most."""
    first, end = selection.window.starts_between(selection.from_ms, selection.to_ms)
    if selection.after is not None and not selection.merge:
        first = max(first, selection.after.start)
    return (first, end), selection.newest if selection.wants_newest else MOST_WINDOWS


async def _shown(
    cluster: ClusterTable, selection: Selection, plan: Plan
) -> tuple[Sequence[Shown], PageStart | None]:
    """Return what is shown of each window, and where the next page begins."""
    rest = None if plan.rest is None else PageStart(plan.rest, 0)
    if selection.key is not None:
        return [Shown(span, 0, (selection.key,), 1, ((selection.key,),)) for span in plan.spans], rest
    shown, room = list[Shown](), selection.limit
    for span, ranking in zip(plan.spans, await cluster.rankings(plan.spans), strict=True):
        _check_members(selection, ranking)
        begin, last = _begin(selection, span), len(ranking.keys[: selection.top])
        if room == 0:
            return shown, PageStart(span.starts[0], begin)
        end = min(last, begin + room)
        keys = ranking.keys[begin:end]
        is_last = end == last
        other = [OTHER] if is_last and ranking.has_other else []
        names = (*keys, *other)
        shown.append(Shown(span, begin, names, len(ranking.keys), ranking.members_of(names)))
        if not is_last:
            return shown, PageStart(span.starts[0], end)
        room -= len(keys)
    return shown, rest


def _check_members(selection: Selection, ranking: Ranking) -> None:
    """Raise `HttpError` where so many keys are to be put together that the loop would wait for them."""
    members = sum(map(len, ranking.members.values()))
    if members > MOST_TOGETHER:
        expected = f"each, as a window has {members:,} keys; at most {MOST_TOGETHER:,} are put together"
        raise bad_value("keys", selection.keys, expected)


def _begin(selection: Selection, span: WindowSpan) -> int:
    """Return how many entries of a window former pages have shown."""
    after = selection.after
    return after.shown if after and (selection.merge or after.start == span.starts[0]) else 0


def _window(size_ms: int, shown: Shown, raw: bytes, watermark: int) -> TableWindow:
    end = shown.span.last_start + size_ms
    return TableWindow(
        start=iso(shown.span.starts[0]) if size_ms else None,
        end=iso(end) if size_ms else None,
        closed=size_ms > 0 and end <= watermark,
        total=shown.total,
        entries=cast("list[Entry]", msgspec.Raw(raw)),
    )


async def check_key(cluster: ClusterTable, window: Window, key: str) -> None:
    """Raise `HttpError` for a key that no partition has in any of the cluster's windows."""
    if await cluster.has(key):
        return
    for topic, result in zip(cluster.topics, cluster.results, strict=True):
        if result.missing:
            raise unavailable(
                f"key is {quoted(key)}; partitions {result.missing} of {topic}, "
                "which may have it, do not answer"
            )
    selection = Selection(window, merge=True)
    marks = await cluster.marks(*_wanted(selection), newest=True)
    rankings = await cluster.rankings(plan_of(selection, marks, is_costly=False).spans)
    keys = [quoted(key) for ranking in rankings for key in ranking.keys[:EXAMPLE_KEYS]]
    examples = f", such as {', '.join(keys)}" if keys else ""
    raise not_found("key", key, f"one that {cluster.table.name} has counted{examples}")
