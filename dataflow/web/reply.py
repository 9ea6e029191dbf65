"""Replies: what a view has to say in, an HTTP response in JSON out."""

from typing import Final

import orjson
from aiohttp.web import Response

JSON: Final = "application/json"
UNKEPT: Final = {"Cache-Control": "no-store"}
"""Counts are old the moment they are sent."""


def as_json(content: object) -> Response:
    """Return the content as JSON that nobody keeps."""
    return json_bytes(orjson.dumps(content))


def json_bytes(body: bytes) -> Response:
    """Return JSON that is written already."""
    return Response(body=body, content_type=JSON, headers=UNKEPT)
