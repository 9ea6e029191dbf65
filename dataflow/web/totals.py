"""Totals: the sums by key of a span over the whole cluster, and why they may be too low."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dataflow.analytics.range_totals import NoAnswer, RangeTotals, add_totals, fitting_window
from dataflow.analytics.span import Span
from dataflow.app import app
from dataflow.engine.query import ReadTotals
from dataflow.engine.query_result import QueryResult
from dataflow.engine.tables import Totals, Window, WindowedTable
from dataflow.web.answer import Lag, lag_of


@dataclass(frozen=True, slots=True)
class ClusterTotals:
    """What the owners of all partitions answer."""

    window: Window
    totals: RangeTotals
    lag: Lag


async def query_totals(
    table: WindowedTable, span: Span, aggregations: Collection[str], *, keyed: bool
) -> ClusterTotals:
    """Ask the owners of all partitions; raise `NotCovered` where windows do not cover the span."""
    window = fitting_window(table, span)
    topics = app.topology.sources_of(table)
    starts = window.starts_between(span.start_ms, span.end_ms)
    by_topic = await app.queries.query(
        topics, ReadTotals(table.name, window.name, starts, tuple(aggregations))
    )
    results = by_topic.values()
    if not any(result.by_partition for result in results):
        raise NoAnswer(f"none of the owners of {', '.join(topics)} has answered in time")

    def added() -> RangeTotals:
        """Decode and add up."""
        parts = [part for result in results for part in result.by_partition.values()]
        return add_totals(table, window, span, parts, keyed=keyed)

    # Of large answers the sums take long: a thread forms them, batches cannot wait.
    totals = await asyncio.to_thread(added)
    lacks = [*_missing(by_topic), *totals.lacks]
    return ClusterTotals(window, RangeTotals(totals.by_key, lacks), lag_of(results))


def _missing(results: Mapping[str, QueryResult[Totals]]) -> Collection[str]:
    return [
        f"requests of partitions {result.missing} of {topic}, which do not answer"
        for topic, result in results.items()
        if result.missing
    ]
