"""Simulation: a wish to start or stop it in; 200, or 400 when it is so already, out; cluster-wide."""

import math
from http import HTTPStatus

import orjson
from aiohttp import hdrs
from aiohttp.web import Request, Response, UrlDispatcher

from dataflow.sources.refusal import NotTaken, never
from dataflow.sources.simulator import Simulator
from dataflow.web.declined import declined
from dataflow.web.parameters import single_values
from dataflow.web.receiver import receiver
from dataflow.web.refused import bad_parameter
from dataflow.web.reply import JSON, UNKEPT

DEFAULT_SECONDS = "1"
SHORTEST_SECONDS, LONGEST_SECONDS = 0.001, 3_600.0

simulator = Simulator(receiver.connection, receiver.outbox)


def add_routes(router: UrlDispatcher) -> None:
    """Serve `/events/simulation`."""
    router.add_post("/events/simulation", start_simulation)
    router.add_delete("/events/simulation", stop_simulation)


async def start_simulation(request: Request) -> Response:
    """Start to simulate events, one every `interval` seconds."""
    interval = _interval(single_values(request.query.items(), known=("interval",)))
    return await _answer(request, interval)


async def stop_simulation(request: Request) -> Response:
    """Stop the simulation, on whichever worker it runs."""
    single_values(request.query.items(), known=())
    return await _answer(request, None)


async def _answer(request: Request, interval: float | None) -> Response:
    try:
        await receiver.guard.check(request.headers.get(hdrs.AUTHORIZATION), request.remote or "")
        if interval is None:
            if not await simulator.end():
                raise never(HTTPStatus.BAD_REQUEST, "No simulation running at the moment")
        elif not await simulator.begin(interval):
            raise never(HTTPStatus.BAD_REQUEST, "Simulation already started")
    except NotTaken as refusal:
        return declined(request, refusal)
    state = {"simulation": "stopped"} if interval is None else {"simulation": "started", "interval": interval}
    return Response(body=orjson.dumps(state), content_type=JSON, headers=UNKEPT)


def _interval(values: dict[str, str]) -> float:
    text = values.get("interval", DEFAULT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise bad_parameter("interval", text, "seconds, from 0.001 to 3600")
    return seconds
