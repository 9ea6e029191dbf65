"""Simulation over HTTP: started and stopped once for the whole cluster."""

from http import HTTPStatus
from typing import Annotated, Literal

from msgspec import Meta

from dataflow.app import app
from dataflow.http_error import HttpError
from dataflow.web.answer import Answer
from dataflow.web.parameter import NoParameters
from dataflow.web.require_role import AccessRole
from dataflow.web.route import Routes

routes = Routes("What comes in")


class SimulationRequest(NoParameters):
    """How often an event is simulated."""

    interval: Annotated[
        float,
        Meta(
            description="Seconds between two events", title="seconds, from 0.001 to 3600", ge=0.001, le=3_600
        ),
    ] = 1.0


class SimulationStarted(Answer):
    """It runs, once in the whole cluster."""

    simulation: Literal["started"]
    interval: Annotated[float, Meta(description="Seconds between two events")]


class SimulationStopped(Answer):
    """It runs no longer."""

    simulation: Literal["stopped"]


@routes(
    "post",
    "/events/simulation",
    "Start to simulate events",
    errors={400: "It runs already, or the interval is not as expected"},
    role=AccessRole.SEND,
)
async def start_simulation(request: SimulationRequest) -> SimulationStarted:
    """Start to simulate events, one every `interval` seconds."""
    if not await app.context.simulator.begin(request.interval):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Simulation already started")
    return SimulationStarted("started", request.interval)


@routes(
    "delete",
    "/events/simulation",
    "Stop the simulation, on whichever worker it runs",
    errors={400: "None is running"},
    role=AccessRole.SEND,
)
async def stop_simulation(_request: NoParameters) -> SimulationStopped:
    """Stop the simulation, on whichever worker it runs."""
    if not await app.context.simulator.end():
        raise HttpError(HTTPStatus.BAD_REQUEST, "No simulation running at the moment")
    return SimulationStopped("stopped")
