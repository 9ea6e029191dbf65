"""Totals: a table and a span in; the sums by key over the whole cluster, and what they may lack, out."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from dataflow.analytics.held import Held, Unanswered, fitting_window, held
from dataflow.analytics.span import Span
from dataflow.app import app
from dataflow.engine.partition import Partition
from dataflow.engine.query import Answer
from dataflow.engine.tables import Totals, Window, WindowedTable
from dataflow.web.counts import lag, topics_of


@dataclass(frozen=True, slots=True)
class Found:
    """What the owners of all partitions say."""

    window: Window
    held: Held
    lag: Mapping[str, float]


def read_totals(partition: Partition, asked: Mapping[str, str]) -> Totals:
    """Read `aggregations` of `table`, added up over `window`s from `from` to `to` (ms)."""
    table_partition = partition.state.table_partitions[asked["table"]]
    from_ms, to_ms = (int(asked[name]) if name in asked else None for name in ("from", "to"))
    return table_partition.totals(
        table_partition.table.window(asked["window"]), from_ms, to_ms, asked["aggregations"].split(",")
    )


async def ask_totals(
    table: WindowedTable, span: Span, aggregations: Collection[str], *, keyed: bool
) -> Found:
    """Ask the owners of all partitions; raise `Beyond` where windows cannot tell of the span."""
    window = fitting_window(table, span)
    topics = topics_of(table)
    asked = {
        "table": table.name,
        "window": window.name,
        "from": span.start_ms,
        "to": span.end_ms,
        "aggregations": ",".join(aggregations),
    }
    parameters = {name: str(value) for name, value in asked.items() if value is not None}
    answers = await asyncio.gather(*(app.queries.query(topic, "totals", parameters) for topic in topics))
    parts = [msgspec.msgpack.decode(raw, type=Totals) for answer in answers for raw in answer.parts.values()]
    if not parts:
        raise Unanswered(f"none of the owners of {', '.join(topics)} has answered in time")
    # Of large answers the sums take long: a thread forms them, batches cannot wait.
    sums = await asyncio.to_thread(held, table, window, span, parts, keyed=keyed)
    lacks = [*_missing(dict(zip(topics, answers, strict=True))), *sums.lacks]
    return Found(window, Held(sums.by_key, lacks), lag(answers))


def _missing(answers: Mapping[str, Answer]) -> Collection[str]:
    return [
        f"requests of partitions {answer.missing} of {topic}, which do not answer"
        for topic, answer in answers.items()
        if answer.missing
    ]
