"""Tables: what is counted, per key and event-time window, over the whole cluster."""

from dataclasses import replace

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.tables import WindowedTable, orders
from dataflow.engine.tables.table import COUNT
from dataflow.errors import one_of
from dataflow.http_error import bad_value, unknown_name
from dataflow.web.cluster_table import ClusterTable
from dataflow.web.counts import check_key, table_answer
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Routes
from dataflow.web.table_answer import TableAnswer, TableDescription, TableList, sheet_of
from dataflow.web.table_request import NEWEST, KeyRequest, Selection, TableRequest, select

routes = Routes("Counts")

AWAY = "No worker that owns a partition has answered in time; retry"
BOUNDED = (
    f"Any worker answers for the whole cluster. Without from, to and after it returns the newest {NEWEST} "
    "windows. If there are more entries than the limit, `next` is the address of the rest."
)
ERRORS = {400: "A parameter is not as expected", 404: "There is no such table or key", 503: AWAY}


@routes("get", "/tables", AccessRole.READ, has_etag=True, errors={400: "This route has no parameters"})
async def list_tables(_request: NoParameters) -> TableList:
    """The tables, and what they count."""
    return TableList([_described(table) for _, table in sorted(_tables().items())])


@routes(
    "get",
    "/tables/{name}",
    AccessRole.READ,
    description=BOUNDED,
    has_etag=True,
    sheet=sheet_of,
    errors=ERRORS,
)
async def show_table(request: TableRequest) -> TableAnswer:
    """Counts of a table, by window of event time."""
    table = table_named(request.name)
    selection = select(table, request)
    return await table_answer(_cluster(table, selection), selection)


# A key is whatever events hold: slashes and line ends, too.
@routes(
    "get",
    "/tables/{name}/{key:(?s:.*)}",
    AccessRole.READ,
    description="A key can contain slashes, written as / or as %2F.",
    has_etag=True,
    sheet=sheet_of,
    errors=ERRORS,
)
async def show_key(request: KeyRequest) -> TableAnswer:
    """Counts of one key."""
    table = table_named(request.name)
    selection = select(table, request)
    answer = await table_answer(_cluster(table, selection), selection)
    if not answer.windows:
        largest = replace(selection, window=table.every_window[-1], order=COUNT)
        await check_key(_cluster(table, largest), largest.window, request.key)
    return answer


def _cluster(table: WindowedTable, selection: Selection) -> ClusterTable:
    topics, topic = app.topology.sources_of(table), selection.topic
    if topic is not None and topic not in topics:
        raise bad_value("topic", topic, f"{one_of(topics)}, from which {table.name} is counted")
    wanted = topics if topic is None else [topic]
    return ClusterTable(app.queries, wanted, table, selection)


def _tables() -> dict[str, WindowedTable]:
    return {table.name: table for table in app.topology.tables}


def table_named(name: str) -> WindowedTable:
    """Return a table; raise `HttpError` if there is none of this name."""
    tables = _tables()
    if name not in tables:
        raise unknown_name("table", name, sorted(tables))
    return tables[name]


def _described(table: WindowedTable) -> TableDescription:
    topics, lateness_ms = app.topology.sources_of(table), table.lateness_ms
    return TableDescription(
        name=table.name,
        topics=topics,
        key=table.key,
        key_parts=list(table.key_parts),
        windows=[window.name for window in table.every_window],
        aggregations=list(table.aggregations),
        orders=list(orders(table)),
        lateness_seconds=None if lateness_ms is None else lateness_ms / 1000,
        max_keys=table.max_keys,
        partitions=max(app.topology.partition_counts.get(topic, 0) for topic in topics),
    )
