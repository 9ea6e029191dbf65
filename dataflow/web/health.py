"""Health: whether this worker lives, and whether it does its work, as Kubernetes asks."""

from http import HTTPStatus
from typing import Literal

from dataflow.app import app
from dataflow.http_error import HttpError, unavailable
from dataflow.web.answer import Answer
from dataflow.web.readiness import not_ready_for
from dataflow.web.route import Routes

routes = Routes("Workers")


class Healthy(Answer):
    """It lives."""

    healthy: Literal[True]


class Ready(Answer):
    """It does its work."""

    ready: Literal[True]


@routes(
    "get",
    "/healthz",
    "Whether this worker lives",
    description="Only a restart helps where it does not.",
    errors={500: "The worker or an agent has crashed"},
)
async def healthz() -> Healthy:
    """Answer 200 while the loop turns and no agent has crashed: else only a restart helps."""
    crashed = [name for name, agent in app.agents.items() if agent.crashed]
    if crashed or app.crashed or app.engine.lifecycle.has_failed:
        subject = f"agent {', '.join(crashed)}" if crashed else "worker"
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, f"{subject} has crashed; the log says why")
    return Healthy(True)


@routes(
    "get",
    "/readyz",
    "Whether this worker does its work",
    errors={503: "It is recovering, stopping, or without its broker"},
)
async def readyz() -> Ready:
    """Answer 200 while this worker works on its partitions; one that owns none is ready, too."""
    reason = not_ready_for()
    if reason:
        raise unavailable(f"worker is {reason}; expected ready")
    return Ready(True)
