"""Declined: a refusal of a source in, an HTTP response that tells the sender what to do out."""

import math

import orjson
from aiohttp import hdrs
from aiohttp.web import Request, Response

from dataflow.sources.auth.guard import Unauthorized
from dataflow.sources.refusal import NotTaken
from dataflow.web.receiver import REFUSED, receiver
from dataflow.web.reply import JSON, UNKEPT


def declined(request: Request, refusal: NotTaken) -> Response:
    """Return the response, and count it; of a body that has not been read the rest is not waited for."""
    receiver.counts[REFUSED, str(int(refusal.status))] += 1
    headers = dict(UNKEPT)
    if refusal.retry_seconds is not None:
        headers[hdrs.RETRY_AFTER] = str(math.ceil(refusal.retry_seconds))
    response = Response(
        body=orjson.dumps({"error": str(refusal)}),
        status=refusal.status,
        content_type=JSON,
        headers=headers,
    )
    if isinstance(refusal, Unauthorized):
        for scheme in refusal.schemes.split(" or "):
            response.headers.add(hdrs.WWW_AUTHENTICATE, f'{scheme} realm="dataflow"')
    if not request.content.is_eof():
        response.force_close()
    return response
