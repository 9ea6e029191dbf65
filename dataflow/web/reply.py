"""Replies: what a view has to say in, an HTTP response in JSON out."""

from typing import Final

import orjson
from faust.web import Response, View

JSON: Final = "application/json"
UNKEPT: Final = {"Cache-Control": "no-store"}
"""Counts are old the moment they are sent."""


def as_json(view: View, content: object) -> Response:
    """Return the content as JSON that nobody keeps."""
    return json_bytes(view, orjson.dumps(content))


def json_bytes(view: View, body: bytes) -> Response:
    """Return JSON that is written already."""
    return view.bytes(body, content_type=JSON, headers=dict(UNKEPT))
