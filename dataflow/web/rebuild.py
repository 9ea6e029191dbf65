"""Rebuild: a table is counted anew, at all workers that own partitions of its topics."""

from typing import Annotated, Literal

from aiohttp.web import Request

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.audit import AuditedAction, write_audit
from dataflow.web.answer import Answer
from dataflow.web.author import author_of
from dataflow.web.owners import Workers, tell_owners
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes
from dataflow.web.tables import table_named

routes = Routes("Counts")


class RebuildRequest(NoParameters):
    """Which table, from when on, and where."""

    name: Annotated[str, about("Name of a table", example="requests_per_status")]
    from_now: Annotated[Literal["true", "false"], about("Count only events from now on")] = "false"
    workers: Workers = "all"


class Rebuilding(Answer):
    """The partitions of which a table is being rebuilt."""

    table: str
    partitions: list[str]


@routes(
    "post",
    "/tables/{name}/rebuild",
    AccessRole.ADMIN,
    description="Its counts are dropped. A partition is missing in answers until it has caught up. Streams "
    "and other tables continue.",
    errors={404: "There is no such table", 503: "A worker that owns a partition has not answered"},
)
async def rebuild_table(request: RebuildRequest, http: Request) -> Rebuilding:
    """Rebuild a table: count it again from what its topics still hold."""
    table = table_named(request.name)
    if request.workers == "all":
        from_now, action = request.from_now == "true", AuditedAction.REBUILD
        await write_audit(
            app.context.connection, author_of(http), action, table=request.name, from_now=from_now
        )
    partitions = await app.rebuilds.begin(request.name, from_now=request.from_now == "true")
    if request.workers == "all":
        path = f"/tables/{request.name}/rebuild?workers=this&from_now={request.from_now}"
        for answer in await tell_owners(app.topology.sources_of(table), path, "POST", Rebuilding):
            partitions += answer.partitions
    return Rebuilding(request.name, sorted(partitions))
