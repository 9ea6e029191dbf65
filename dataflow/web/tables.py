"""Tables: what is counted, per key and event-time window, over the whole cluster."""

from faust.web import Request, Response, View

from dataflow.app import app
from dataflow.engine.tables import WindowedTable, orders
from dataflow.http_error import not_found
from dataflow.web.counts import ask_counts, check_key, reply_of, topics_of
from dataflow.web.parameters import KEY_PARAMETERS, TABLE_PARAMETERS, one_of, select, single_values
from dataflow.web.reply import as_json


@app.page("/tables")
async def tables(view: View, request: Request) -> Response:
    """List the tables."""
    single_values(request.query.items(), known=())
    return as_json(view, {"tables": [_described(table) for _, table in sorted(_tables().items())]})


@app.page("/tables/{name}")
async def table(view: View, request: Request, name: str) -> Response:
    """Answer with the windows of a table that overlap [from, to), the greatest entries first."""
    found = _table(name)
    selection = select(found, single_values(request.query.items(), TABLE_PARAMETERS))
    return await reply_of(view, await ask_counts(found, selection))


# A key is whatever events hold: slashes and line ends, too.
@app.page("/tables/{name}/{key:(?s:.*)}")
async def table_key(view: View, request: Request, name: str, key: str) -> Response:
    """Answer with the windows of one key."""
    found = _table(name)
    selection = select(found, single_values(request.query.items(), KEY_PARAMETERS))
    counts = await ask_counts(found, selection, key)
    if not any(part.entries for part in counts.parts):
        await check_key(found, key)
    return await reply_of(view, counts)


def _tables() -> dict[str, WindowedTable]:
    return {table.name: table for table in app.topology.tables}


def _table(name: str) -> WindowedTable:
    every = _tables()
    if name not in every:
        raise not_found("table", name, one_of(sorted(every)))
    return every[name]


def _described(table: WindowedTable) -> dict[str, object]:
    topics = topics_of(table)
    lateness_ms = table.lateness_ms
    return {
        "name": table.name,
        "topics": topics,
        "key": table.key,
        "windows": [window.name for window in table.every_window],
        "aggregations": list(table.aggregations),
        "orders": list(orders(table)),
        "lateness_seconds": None if lateness_ms is None else lateness_ms / 1000,
        "max_keys": table.max_keys,
        "partitions": max(app.topology.partition_counts[topic] for topic in topics),
    }
