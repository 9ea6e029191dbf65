"""Tables: what is counted, per key and event-time window, over the whole cluster."""

from dataflow.app import app
from dataflow.engine.tables import WindowedTable, orders
from dataflow.errors import one_of
from dataflow.http_error import not_found
from dataflow.web.counts import check_key, query_counts
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Reply, Routes
from dataflow.web.table_answer import TableAnswer, TableDescription, TableList
from dataflow.web.table_request import KeyRequest, TableRequest, select

routes = Routes("Counts")

AWAY = "No owner of a partition has answered in time; ask again"
ERRORS = {400: "A parameter is not as expected", 404: "There is no such table or key", 503: AWAY}


@routes("get", "/tables", errors={400: "There are no parameters"})
async def list_tables(_request: NoParameters) -> TableList:
    """What is counted."""
    return TableList([_described(table) for _, table in sorted(_tables().items())])


@routes("get", "/tables/{name}", description="Any worker answers for the whole cluster.", errors=ERRORS)
async def show_table(request: TableRequest) -> Reply[TableAnswer]:
    """Counts of a table, by window of event time."""
    table = _table(request.name)
    return await (await query_counts(table, select(table, request))).reply_in_time()


# A key is whatever events hold: slashes and line ends, too.
@routes(
    "get",
    "/tables/{name}/{key:(?s:.*)}",
    description="A key may hold slashes, written as they are or as %2F.",
    errors=ERRORS,
)
async def show_key(request: KeyRequest) -> Reply[TableAnswer]:
    """Counts of one key."""
    table = _table(request.name)
    counts = await query_counts(table, select(table, request), request.key)
    if not any(part.entries for part in counts.parts):
        await check_key(table, request.key)
    return await counts.reply_in_time()


def _tables() -> dict[str, WindowedTable]:
    return {table.name: table for table in app.topology.tables}


def _table(name: str) -> WindowedTable:
    tables = _tables()
    if name not in tables:
        raise not_found("table", name, one_of(sorted(tables)))
    return tables[name]


def _described(table: WindowedTable) -> TableDescription:
    topics, lateness_ms = app.topology.sources_of(table), table.lateness_ms
    return TableDescription(
        name=table.name,
        topics=topics,
        key=table.key,
        windows=[window.name for window in table.every_window],
        aggregations=list(table.aggregations),
        orders=list(orders(table)),
        lateness_seconds=None if lateness_ms is None else lateness_ms / 1000,
        max_keys=table.max_keys,
        partitions=max(app.topology.partition_counts.get(topic, 0) for topic in topics),
    )
