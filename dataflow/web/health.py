"""Health: whether this worker lives, and whether it does its work, as Kubernetes asks."""

from http import HTTPStatus
from typing import Literal

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.lifecycle import EngineState
from dataflow.engine.pauses import Pause
from dataflow.http_error import HttpError, unavailable
from dataflow.web.answer import Answer
from dataflow.web.route import Routes

routes = Routes("Workers")


def is_recovering() -> bool:
    """Tell whether partitions are being recovered, of which nothing can be said yet."""
    return app.engine.lifecycle.state in (EngineState.CREATED, EngineState.RECOVERING)


def paused_streams() -> dict[str, Pause]:
    """Return why each stream pauses that concerns this worker."""
    return app.engine.pauses.concerning(app.engine.assignment.topics)


def not_ready_for() -> str | None:
    """Return what this worker is instead of ready; None when it is at work, on partitions or none."""
    if app.should_stop or app.engine.lifecycle.has_failed:
        return "stopping"
    if app.web.connections.is_draining:
        return "draining, and serves on until it stops"
    if not app.takes_partitions:
        return None if _has_broker() else "without its broker"
    return app.watch.obstacle


def _has_broker() -> bool:
    """Tell whether events can be sent, and read by the sinks; their systems may be away."""
    receiver, sinks = app.context.receiver, app.context.sinks
    can_send = receiver.ingest_producer.is_up if receiver.started else True
    return can_send and all(runner.joined for runner in sinks)


class Healthy(Answer):
    """It lives."""

    healthy: Literal[True]


class Ready(Answer):
    """It does its work, but for streams that pause."""

    ready: Literal[True]
    paused: dict[str, Pause]


@routes(
    "get",
    "/healthz",
    AccessRole.EVERYBODY,
    description="Only a restart helps where it does not.",
    errors={500: "It has crashed, or has not got on for long"},
)
async def healthz() -> Healthy:
    """Whether this worker lives."""
    crashed = [name for name, agent in app.agents.items() if agent.crashed]
    if crashed or app.crashed or app.engine.lifecycle.has_failed:
        subject = f"agent {', '.join(crashed)}" if crashed else "worker"
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, f"{subject} has crashed; the log says why")
    if app.takes_partitions and app.watch.is_stalled:
        lifecycle = app.engine.lifecycle
        message = (
            f"worker is {lifecycle}, and has not got on for {lifecycle.idle_seconds:.0f} s; expected progress"
        )
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, message)
    return Healthy(True)


@routes("get", "/readyz", AccessRole.EVERYBODY, errors={503: "It does none of its work; the error says why"})
async def readyz() -> Ready:
    """Whether this worker does its work."""
    reason = not_ready_for()
    if reason:
        raise unavailable(f"worker is {reason}; expected ready")
    return Ready(True, paused_streams())
