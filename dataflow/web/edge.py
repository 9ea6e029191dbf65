"""The edge of every request: JSON that nobody keeps unasked, errors in one field, `error`, safe headers."""

import math
from collections.abc import Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import hdrs
from aiohttp.helpers import ETAG_ANY
from aiohttp.typedefs import Handler
from aiohttp.web import HTTPException, Request, Response, StreamResponse, middleware

from dataflow.engine.stored_partition import StoreClosed
from dataflow.http_error import OWN_FAULT, HttpError, quoted, unavailable
from dataflow.logs import get_log
from dataflow.web_connections import CONNECTIONS, CROWDED_SECONDS
from dataflow.web_expectations import CONTINUE, unknown_expectation

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
UNKEPT: Final = {"Cache-Control": "no-store"}
"""Counts are old the moment they are sent."""


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of JSON that is encoded already."""
    return Response(body=body, status=status, content_type=JSON, headers={**UNKEPT, **(headers or {})})


def kept_response(request: Request, body: bytes) -> Response:
    """Return a response of JSON that a client may keep, if it asks each time whether it is still so."""
    tag = blake2b(body, digest_size=12).hexdigest()
    headers = {"Cache-Control": "no-cache", "ETag": f'"{tag}"'}
    if any(known.value in (tag, ETAG_ANY) for known in request.if_none_match or ()):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return json_response(body, headers=headers)


def error_response(request: Request, error: HttpError) -> Response:
    """Return the response to a request that has failed; it does not wait for the rest of its body."""
    response = json_error(error.status, str(error))
    if error.retry_seconds is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_seconds))
    # The page has a login of its own; a browser would show its dialog in place of it.
    is_of_page = "X-Requested-With" in request.headers or request.headers.get(hdrs.ACCEPT) == EVENT_STREAM
    for scheme in () if is_of_page else error.schemes:
        response.headers.add(hdrs.WWW_AUTHENTICATE, f'{scheme} realm="dataflow"')
    return _without_rest(request, response)


def _without_rest(request: Request, response: Response) -> Response:
    """Close the connection behind a response if the request has a body that was not read."""
    if not request.content.is_eof():
        response.force_close()
    return response


def json_error(status: HTTPStatus | int, message: str) -> Response:
    """Return a response that says what is wrong."""
    return Response(body=orjson.dumps({"error": message}), status=status, content_type=JSON, headers=UNKEPT)


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
    connections = request.app[CONNECTIONS]
    response = await _answer(request, handler if connections.begin(request) else _refuse)
    if connections.ends_after(request):
        response.force_close()
    for name, value in (*SAFE_HEADERS.items(), *UNKEPT.items()):
        response.headers.setdefault(name, value)
    return response


async def _refuse(request: Request) -> StreamResponse:
    most = request.app[CONNECTIONS].most
    raise unavailable(
        f"more than {most} connections are open; expected fewer, or a higher limit of open files",
        CROWDED_SECONDS,
    )


async def _answer(request: Request, handler: Handler) -> StreamResponse:
    try:
        if unknown := unknown_expectation(request):
            told = f"Expect is {quoted(unknown)}; expected {CONTINUE}"
            raise HttpError(HTTPStatus.EXPECTATION_FAILED, told)
        return await handler(request)
    except HttpError as error:
        return error_response(request, error)
    except StoreClosed as error:
        return error_response(request, unavailable(str(error)))
    except HTTPException as error:
        return _without_rest(request, _unrouted(request, error))
    except Exception:  # the outermost edge: the next request must find us alive
        log.exception("View has failed.", path=request.path)
        return json_error(500, OWN_FAULT)


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
