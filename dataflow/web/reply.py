"""Replies: JSON that nobody keeps; errors have one field, `error`, and headers that say what to do."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import hdrs
from aiohttp.web import Request, Response

from dataflow.http_error import HttpError

JSON: Final = "application/json"
UNKEPT: Final = {"Cache-Control": "no-store"}
"""Counts are old the moment they are sent."""


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of JSON that is encoded already."""
    return Response(body=body, status=status, content_type=JSON, headers={**UNKEPT, **(headers or {})})


def error_response(request: Request, error: HttpError) -> Response:
    """Return the response to a request that has failed; it does not wait for the rest of its body."""
    response = json_error(error.status, str(error))
    if error.retry_seconds is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_seconds))
    for scheme in error.schemes:
        response.headers.add(hdrs.WWW_AUTHENTICATE, f'{scheme} realm="dataflow"')
    if not request.content.is_eof():
        response.force_close()
    return response


def json_error(status: HTTPStatus | int, message: str) -> Response:
    """Return a response that says what is wrong."""
    return Response(body=orjson.dumps({"error": message}), status=status, content_type=JSON, headers=UNKEPT)
