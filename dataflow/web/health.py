"""Health: whether this worker lives, and whether it does its work, as Kubernetes asks."""

from http import HTTPStatus

from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.http_error import HttpError, unavailable
from dataflow.web.readiness import not_ready_for
from dataflow.web.reply import as_json

routes = RouteTableDef()


@routes.get("/healthz")
async def healthz(_request: Request) -> Response:
    """Answer 200 while the loop turns and no agent has crashed: else only a restart helps."""
    crashed = [name for name, agent in app.agents.items() if agent.crashed]
    if crashed or app.crashed or app.engine.lifecycle.has_failed:
        subject = f"agent {', '.join(crashed)}" if crashed else "worker"
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, f"{subject} has crashed; the log says why")
    return as_json({"healthy": True})


@routes.get("/readyz")
async def readyz(_request: Request) -> Response:
    """Answer 200 while this worker works on its partitions; one that owns none is ready, too."""
    reason = not_ready_for()
    if reason:
        raise unavailable(f"worker is {reason}; expected ready")
    return as_json({"ready": True})
