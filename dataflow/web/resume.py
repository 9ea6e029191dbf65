"""Resume: a stream that has paused goes on, at all workers that own partitions of it."""

from typing import Annotated

from aiohttp.web import Request

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.audit import AuditedAction, write_audit
from dataflow.engine.resume import resume
from dataflow.http_error import unknown_name
from dataflow.web.answer import Answer
from dataflow.web.author import author_of
from dataflow.web.owners import Workers, tell_owners
from dataflow.web.parameter import NoParameters, about
from dataflow.web.route import Routes

routes = Routes("Counts")


class ResumeRequest(NoParameters):
    """Which stream, and where."""

    name: Annotated[str, about("A stream by its source topic, as /streams lists it", example="expedia")]
    workers: Workers = "all"


class Resumed(Answer):
    """Which workers had paused the stream, and go on."""

    stream: str
    resumed: list[str]


@routes(
    "post",
    "/streams/{name}/resume",
    AccessRole.EDIT,
    description="Dead letters that its limit refused are accepted, and the limits start to count again.",
    errors={404: "There is no such stream", 503: "A worker that owns a partition has not answered"},
)
async def resume_stream(request: ResumeRequest, http: Request) -> Resumed:
    """Resume a paused stream at all workers that own its partitions."""
    topics = app.topology.sources
    if request.name not in topics:
        raise unknown_name("stream", request.name, sorted(topics))
    if request.workers == "all":
        author = author_of(http)
        await write_audit(app.context.connection, author, AuditedAction.RESUME, stream=request.name)
    resumed = [app.queries.own_url] if await resume(app.engine, request.name) else []
    if request.workers == "all":
        path = f"/streams/{request.name}/resume?workers=this"
        for answer in await tell_owners([request.name], path, "POST", Resumed):
            resumed += answer.resumed
    return Resumed(request.name, resumed)
