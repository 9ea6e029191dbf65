"""Health: whether this worker lives, and whether it does its work, as Kubernetes asks."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.engine.lifecycle import EngineState
from dataflow.engine.pauses import Pause
from dataflow.http_error import HttpError, unavailable
from dataflow.web.answer import Answer
from dataflow.web.parameter import about, named
from dataflow.web.route import Routes

routes = Routes("Workers")


def is_recovering() -> bool:
    """Tell whether partitions are being recovered, of which nothing can be said yet."""
    return app.engine.lifecycle.state in (EngineState.CREATED, EngineState.RECOVERING)


def paused_streams() -> dict[str, Pause]:
    """Return why each stream pauses that concerns this worker."""
    return app.engine.pauses.concerning(app.engine.assignment.topics)


Duty = Literal["ingest", "tables", "work"]
"""What a worker may be asked to be ready for: to send events to the broker, whatever partitions do; to answer
questions, and to name what an answer lacks; to read its partitions and to run its sinks.
"""


def still_starting() -> str:
    """Return since when this worker starts, and what it waits for."""
    lifecycle = app.engine.lifecycle
    awaited = lifecycle.awaited or "its services"
    return f"starting for {lifecycle.seconds:.0f} s and waits for {awaited}"


def not_ready_for(duty: Duty = "work") -> str | None:
    """Return what this worker is instead of ready for a duty; None when it is ready."""
    if app.should_stop or app.engine.lifecycle.has_failed:
        return "stopping"
    if app.web.connections.is_draining:
        return "draining, and serves on until it stops"
    if app.web.is_starting:
        return still_starting()
    return _OBSTACLES[duty]()


def _obstacle_to_ingest() -> str | None:
    receiver = app.context.receiver
    if not receiver.started:
        return f"of role {app.settings.role}, which takes no events over HTTP"
    return None if receiver.ingest_producer.is_up else "without its broker"


def _obstacle_to_tables() -> str | None:
    if not app.takes_partitions:
        is_known = bool(app.topology.partition_counts)
        return None if is_known else "waiting for its broker to say which partitions there are"
    return str(app.engine.lifecycle) if is_recovering() else None


def _obstacle_to_work() -> str | None:
    if not app.takes_partitions:
        return None if _has_broker() else "without its broker"
    return app.watch.obstacle


_OBSTACLES: Final[Mapping[Duty, Callable[[], str | None]]] = {
    "ingest": _obstacle_to_ingest,
    "tables": _obstacle_to_tables,
    "work": _obstacle_to_work,
}


def _has_broker() -> bool:
    """Tell whether events can be sent, and read by the sinks; their systems may be away."""
    receiver, sinks = app.context.receiver, app.context.sinks
    can_send = receiver.ingest_producer.is_up if receiver.started else True
    return can_send and all(runner.joined for runner in sinks)


class Readiness(msgspec.Struct, forbid_unknown_fields=True):
    """Which duty a probe asks for."""

    duty: Annotated[
        Duty,
        about(
            "What it must be ready for: `ingest` (receive events over HTTP), `tables` (answer queries) or "
            "`work` (read its partitions and run its sinks)"
        ),
    ] = named("for", "work")


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
    description="If it is not, only a restart helps.",
    errors={500: "It has crashed, or has made no progress for too long"},
)
async def healthz() -> Healthy:
    """Whether this worker is alive."""
    crashed = [name for name, agent in app.agents.items() if agent.crashed]
    if crashed or app.crashed or app.engine.lifecycle.has_failed:
        subject = f"agent {', '.join(crashed)}" if crashed else "worker"
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, f"{subject} has crashed; the log says why")
    if app.takes_partitions and app.watch.is_stalled:
        lifecycle = app.engine.lifecycle
        seconds = f"{lifecycle.idle_seconds:.0f}"
        message = f"worker is {lifecycle}, and has made no progress for {seconds} s; expected progress"
        raise HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, message)
    return Healthy(True)


@routes(
    "get",
    "/readyz",
    AccessRole.EVERYBODY,
    description="A worker stays ready to receive events during a rebalance.",
    errors={400: "The duty is unknown", 503: "It is not ready for that duty; the error says why"},
)
async def readyz(request: Readiness) -> Ready:
    """Whether this worker is ready."""
    reason = not_ready_for(request.duty)
    if reason:
        raise unavailable(f"worker is {reason}; expected ready")
    return Ready(True, paused_streams())
