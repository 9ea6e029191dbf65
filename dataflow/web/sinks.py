"""Sinks: those of this worker's role run beside it; how all of the cluster fare answered at /sinks."""

from aiohttp.typedefs import Handler
from aiohttp.web import Request as AiohttpRequest
from aiohttp.web import Response as AiohttpResponse
from aiohttp.web import StreamResponse, middleware
from faust.app.base import BootStrategy
from faust.types import ServiceT
from faust.web import Request, Response, View
from faust.web.drivers.aiohttp import Web

from dataflow.app import app
from dataflow.errors import DataflowError
from dataflow.http_error import unavailable
from dataflow.settings import settings
from dataflow.sinks.answer import as_answer
from dataflow.sinks.configured import configured_sinks, is_sink, runner_options
from dataflow.sinks.runner import SinkRunner
from dataflow.sinks.status import sink_statuses
from dataflow.web.parameters import single_values
from dataflow.web.reply import JSON, UNKEPT, as_json

OPTIONS = runner_options(settings())
RUNNERS = [SinkRunner(sink, OPTIONS) for sink in configured_sinks(settings())]


class StoreOnly(BootStrategy):
    """A worker without Faust's consumer and without agents: it runs a sink, and nothing else."""

    enable_kafka = False

    def agents(self) -> list[ServiceT]:
        """Start none."""
        return []


@middleware
async def ready_as_a_member(request: AiohttpRequest, handler: Handler) -> StreamResponse:
    """Answer /readyz for a worker that takes no partitions of Faust's: its sink has to be in its group.

    A system that is away is no reason to restart the worker.
    """
    if request.path != "/readyz":
        return await handler(request)
    if not all(runner.joined for runner in RUNNERS):
        raise unavailable("worker is without its broker; expected ready")
    return AiohttpResponse(body=b'{"ready":true}', content_type=JSON, headers=UNKEPT)


@app.page("/sinks")
async def sinks(view: View, request: Request) -> Response:
    """Answer how far behind each sink is, and why; over the whole cluster."""
    single_values(request.query.items(), known=())
    configured = {runner.sink.name: runner.sink.topics for runner in RUNNERS}
    try:
        statuses = await sink_statuses(OPTIONS.connection, OPTIONS.app_id, configured)
    except DataflowError as error:
        raise unavailable(str(error)) from error
    return as_json(view, {"sinks": [as_answer(status) for status in statuses]})


for runner in RUNNERS:
    app.add_dependency(runner)
if is_sink(settings().role):
    assert isinstance(app.web, Web)
    app.boot_strategy = StoreOnly(app)
    app.producer_only = True  # else Faust waits for the tables of a consumer
    app.web.web_app.middlewares.append(ready_as_a_member)  # inside of the edge that answers refusals
