"""Analytics events over HTTP: one, answered once the broker has it, or simulated ones for the cluster."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp.web import Request
from msgspec import Meta

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.catalogue.streams import analytics_events
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.errors import InvalidEvent
from dataflow.http_error import HttpError
from dataflow.instants import now_ms
from dataflow.sources.inflate import inflate, known_encoding
from dataflow.stages.analytics_event import read_event
from dataflow.web.answer import Answer
from dataflow.web.author import author_of
from dataflow.web.body import read_body
from dataflow.web.ingest import ERRORS, SenderHeaders
from dataflow.web.parameter import NoParameters
from dataflow.web.route import Content, Reply, Routes

routes = Routes("What comes in")

MOST_BYTES = 64 << 10
EXAMPLE = {"device_id": "d-1", "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z"}


class AppEvent(Answer):
    """One event of an app."""

    device_id: Annotated[str, Meta(min_length=1, max_length=200)]
    event_type: Literal["START_SESSION", "END_SESSION", "REVENUE"]
    created_on: Annotated[str, Meta(description="ISO 8601 date-time, UTC where it names no offset")]


@routes(
    "post",
    "/events",
    AccessRole.SEND,
    stream=analytics_events.STREAM.name,
    description="The answer is the event, once the broker has stored it.",
    body=[Content(schema=AppEvent, example=EXAMPLE)],
    status=HTTPStatus.CREATED,
    errors={**ERRORS, 400: "A field is not as expected; it is named"},
)
async def create_event(request: SenderHeaders, http: Request) -> Reply[AppEvent]:
    """Create an analytics event."""
    receiver = app.context.receiver
    encoding = known_encoding(request.encoding)
    with receiver.in_flight() as hold:
        body = await read_body(http, hold, most_bytes=MOST_BYTES, seconds=app.settings.ingest_body_seconds)
        raw = b"".join(inflate(body, encoding, MOST_BYTES)).strip()
        try:
            read_event(raw)
        except InvalidEvent as fault:
            raise HttpError(HTTPStatus.BAD_REQUEST, fault.detail) from fault
        (stored,) = receiver.producer.put(ANALYTICS_EVENTS.name, [(now_ms(), None, raw, [])], len(raw))
        await asyncio.shield(stored)
    receiver.counts[ANALYTICS_EVENTS.name, "accepted"] += 1
    return Reply(raw)


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
    AccessRole.EDIT,
    errors={400: "A simulation runs already, or the interval is not as expected"},
)
async def start_simulation(request: SimulationRequest, http: Request) -> SimulationStarted:
    """Start to simulate events."""
    if not await app.context.simulator.begin(request.interval, author_of(http)):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Simulation already started")
    return SimulationStarted("started", request.interval)


@routes("delete", "/events/simulation", AccessRole.EDIT, errors={400: "No simulation is running"})
async def stop_simulation(_request: NoParameters, http: Request) -> SimulationStopped:
    """Stop the simulation, on whichever worker it runs."""
    if not await app.context.simulator.end(author_of(http)):
        raise HttpError(HTTPStatus.BAD_REQUEST, "No simulation running at the moment")
    return SimulationStopped("stopped")
