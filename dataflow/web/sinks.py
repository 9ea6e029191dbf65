"""Sinks: how all of the cluster fare, answered at /sinks."""

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.errors import DataflowError
from dataflow.http_error import unavailable
from dataflow.sinks.answer import as_answer
from dataflow.sinks.status import sink_statuses
from dataflow.web.parameters import single_values
from dataflow.web.reply import as_json

routes = RouteTableDef()


@routes.get("/sinks")
async def sinks(request: Request) -> Response:
    """Answer how far behind each sink is, and why; over the whole cluster."""
    single_values(request.query.items(), known=())
    configured = {runner.sink.name: runner.sink.topics for runner in app.context.sinks}
    try:
        statuses = await sink_statuses(app.context.connection, app.settings.app_id, configured)
    except DataflowError as error:
        raise unavailable(str(error)) from error
    return as_json({"sinks": [as_answer(status) for status in statuses]})
