"""Request seconds: how long each route takes to answer, for Prometheus."""

from collections.abc import Iterable
from time import monotonic
from typing import Final

from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware

from dataflow import metrics
from dataflow.web.authorize import route_of
from dataflow.web.route import Route

SECONDS = metrics.histogram("dataflow_http_request_seconds")

NO_ROUTE: Final = ("(other)", "(none)")
"""Of a request that no route is for: method and path are the sender's."""


@middleware
async def measure_seconds(request: Request, handler: Handler) -> StreamResponse:
    """Measure how long a request takes from its headers until its answer is ready, its body included."""
    began = monotonic()
    try:
        return await handler(request)
    finally:
        route = route_of(request)
        SECONDS.labels(*(NO_ROUTE if route is None else _labels(route))).observe(monotonic() - began)


def show(routes: Iterable[Route]) -> None:
    """Have the series of these routes before the first request."""
    for labels in (NO_ROUTE, *map(_labels, routes)):
        SECONDS.labels(*labels)


def _labels(route: Route) -> tuple[str, str]:
    return route.method.upper(), route.path
