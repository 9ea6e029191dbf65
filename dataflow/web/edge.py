"""The edge of every request: errors become JSON, and every response gets safe headers."""

from aiohttp.typedefs import Handler
from aiohttp.web import HTTPException, Request, Response, StreamResponse, middleware

from dataflow.http_error import HttpError, quoted
from dataflow.logs import get_log
from dataflow.web.reply import error_response, json_error

log = get_log(__name__)

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
    except HttpError as error:
        return error_response(request, error)
    except HTTPException as error:
        return _unrouted(request, error)
    except Exception:  # the outermost edge: the next request must find us alive
        log.exception("View has failed.", path=request.path)
        return json_error(500, "worker has met a fault in itself; its log says more")


def _unrouted(request: Request, error: HTTPException) -> Response:
    path = quoted(request.path)
    if error.status == 404:
        return json_error(404, f"path is {path}; expected one that the page at / names")
    if error.status == 405:
        allowed = error.headers["Allow"]
        response = json_error(405, f"method of {path} is {request.method}; expected {allowed}")
        response.headers["Allow"] = allowed
        return response
    return json_error(error.status, f"{path} is refused: {error.reason}")
