"""Ingest: a body of log lines in; how many were accepted, once the broker has every one of them, out."""

from http import HTTPStatus

import orjson
from aiohttp import hdrs
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.catalogue.declared import INGESTED
from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams import cdn_logs
from dataflow.http_error import not_found
from dataflow.sources.in_flight import HeldBytes
from dataflow.sources.inflate import known_encoding
from dataflow.sources.origin import Origin
from dataflow.sources.receive import Outcome
from dataflow.web.body import read_body
from dataflow.web.parameters import one_of
from dataflow.web.reply import JSON, UNKEPT
from dataflow.web.require_role import AccessRole, require_role

routes = RouteTableDef()


@routes.post("/ingest")
@require_role(AccessRole.SEND)
async def ingest_cdn_logs(request: Request) -> Response:
    """Take CDN logs as DataStream 2 sends them; answer `{"accepted": n, "dead_lettered": m}`."""
    return await _ingest(request, cdn_logs.STREAM)


@routes.post("/ingest/{stream}")
@require_role(AccessRole.SEND)
async def ingest_stream(request: Request) -> Response:
    """Take events of the stream that the path names."""
    name = request.match_info["stream"]
    if name not in INGESTED:
        raise not_found("stream", name, one_of(INGESTED))
    return await _ingest(request, INGESTED[name])


async def _ingest(request: Request, stream: Stream) -> Response:
    outcome = await _receive(request, stream)
    counts = app.context.receiver.counts
    counts[stream.topic, "accepted"] += outcome.accepted
    counts[stream.topic, "dead_lettered"] += outcome.dead_lettered
    return Response(body=orjson.dumps(outcome), status=HTTPStatus.OK, content_type=JSON, headers=UNKEPT)


async def _receive(request: Request, stream: Stream) -> Outcome:
    receiver, settings, address = app.context.receiver, app.settings, request.remote or ""
    encoding = known_encoding(request.headers.get(hdrs.CONTENT_ENCODING, ""))
    origin = Origin(address, request.headers.get("X-Forwarded-For"))
    with HeldBytes(receiver.in_flight) as held:
        body = await read_body(
            request, held, most_bytes=settings.ingest_body_bytes, seconds=settings.ingest_body_seconds
        )
        return await receiver.receiving.receive(stream, body, encoding, origin)
