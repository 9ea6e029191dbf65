"""The edge of every request: what a view raises in, a JSON answer with safe headers out."""

import logging
from collections.abc import Mapping

import orjson
from aiohttp.typedefs import Handler
from aiohttp.web import HTTPException, Request, Response, StreamResponse, middleware
from faust.web.drivers.aiohttp import Web

from dataflow.app import app
from dataflow.web.refused import Refused, shortened
from dataflow.web.reply import JSON, UNKEPT

log = logging.getLogger(__name__)

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing that is answered may be taken for a page; the page itself allows what it needs."""


@middleware
async def json_edge(request: Request, handler: Handler) -> StreamResponse:
    """Answer every request, also one that fails or that no view is for."""
    response = await _answer(request, handler)
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _answer(request: Request, handler: Handler) -> StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return _refusal(refused.status, str(refused), refused.headers)
    except HTTPException as error:
        return _unrouted(request, error)
    except Exception:  # the outermost edge: the next request must find us alive
        log.exception("View has failed; path %r.", request.path)
        return _refusal(500, "worker has met a fault in itself; its log says more", {})


def _unrouted(request: Request, error: HTTPException) -> Response:
    path = shortened(request.path)
    if error.status == 404:
        return _refusal(404, f"path is {path}; expected one that the page at / names", {})
    if error.status == 405:
        allowed = error.headers["Allow"]
        return _refusal(405, f"method of {path} is {request.method}; expected {allowed}", {"Allow": allowed})
    return _refusal(error.status, f"{path} is refused: {error.reason}", {})


def _refusal(status: int, message: str, headers: Mapping[str, str]) -> Response:
    body = orjson.dumps({"error": message})
    return Response(body=body, status=status, content_type=JSON, headers={**UNKEPT, **headers})


web = app.web  # made with the app, and not yet serving
assert isinstance(web, Web)
web.web_app.middlewares.append(json_edge)
