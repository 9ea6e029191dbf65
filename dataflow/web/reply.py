"""Replies: JSON that nobody keeps."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp.web import Response

JSON: Final = "application/json"
UNKEPT: Final = {"Cache-Control": "no-store"}
"""Counts are old the moment they are sent."""


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of JSON that is encoded already."""
    return Response(body=body, status=status, content_type=JSON, headers={**UNKEPT, **(headers or {})})
