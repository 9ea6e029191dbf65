"""Simulation: a wish to start or stop it in; 200, or 400 when it is so already, out; cluster-wide."""

import math
from http import HTTPStatus

import orjson
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.http_error import HttpError, bad_value
from dataflow.web.parameters import single_values
from dataflow.web.reply import JSON, UNKEPT
from dataflow.web.require_role import AccessRole, require_role

DEFAULT_SECONDS = "1"
SHORTEST_SECONDS, LONGEST_SECONDS = 0.001, 3_600.0


routes = RouteTableDef()


@routes.post("/events/simulation")
@require_role(AccessRole.SEND)
async def start_simulation(request: Request) -> Response:
    """Start to simulate events, one every `interval` seconds."""
    interval = _interval(single_values(request.query.items(), known=("interval",)))
    return await _answer(interval)


@routes.delete("/events/simulation")
@require_role(AccessRole.SEND)
async def stop_simulation(request: Request) -> Response:
    """Stop the simulation, on whichever worker it runs."""
    single_values(request.query.items(), known=())
    return await _answer(None)


async def _answer(interval: float | None) -> Response:
    simulator = app.context.simulator
    if interval is None:
        if not await simulator.end():
            raise HttpError(HTTPStatus.BAD_REQUEST, "No simulation running at the moment")
    elif not await simulator.begin(interval):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Simulation already started")
    state = {"simulation": "stopped"} if interval is None else {"simulation": "started", "interval": interval}
    return Response(body=orjson.dumps(state), content_type=JSON, headers=UNKEPT)


def _interval(values: dict[str, str]) -> float:
    text = values.get("interval", DEFAULT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise bad_value("interval", text, "seconds, from 0.001 to 3600")
    return seconds
