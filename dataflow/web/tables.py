"""Tables: what is counted, per key and event-time window, over the whole cluster."""

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.engine.tables import WindowedTable, orders
from dataflow.http_error import not_found
from dataflow.web.counts import ask_counts, check_key, reply_of, topics_of
from dataflow.web.parameters import KEY_PARAMETERS, TABLE_PARAMETERS, one_of, select, single_values
from dataflow.web.reply import as_json

routes = RouteTableDef()


@routes.get("/tables")
async def tables(request: Request) -> Response:
    """List the tables."""
    single_values(request.query.items(), known=())
    return as_json({"tables": [_described(table) for _, table in sorted(_tables().items())]})


@routes.get("/tables/{name}")
async def table(request: Request) -> Response:
    """Answer with the windows of a table that overlap [from, to), the greatest entries first."""
    found = _table(request.match_info["name"])
    selection = select(found, single_values(request.query.items(), TABLE_PARAMETERS))
    return await reply_of(await ask_counts(found, selection))


# A key is whatever events hold: slashes and line ends, too.
@routes.get("/tables/{name}/{key:(?s:.*)}")
async def table_key(request: Request) -> Response:
    """Answer with the windows of one key."""
    found, key = _table(request.match_info["name"]), request.match_info["key"]
    selection = select(found, single_values(request.query.items(), KEY_PARAMETERS))
    counts = await ask_counts(found, selection, key)
    if not any(part.entries for part in counts.parts):
        await check_key(found, key)
    return await reply_of(counts)


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
