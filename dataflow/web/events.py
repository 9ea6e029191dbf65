"""Events: one analytics event in, 201 out once the broker has it."""

import asyncio
import time
from http import HTTPStatus

from aiohttp import hdrs
from aiohttp.web import Request, Response, RouteTableDef

from dataflow.app import app
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.errors import InvalidEvent
from dataflow.http_error import HttpError
from dataflow.sources.in_flight import HeldBytes
from dataflow.sources.inflate import inflate, known_encoding
from dataflow.stages.analytics_event import read_event
from dataflow.web.body import read_body
from dataflow.web.reply import JSON, UNKEPT
from dataflow.web.require_role import AccessRole, require_role

MOST_BYTES = 64 << 10


routes = RouteTableDef()


@routes.post("/events")
@require_role(AccessRole.SEND)
async def create_event(request: Request) -> Response:
    """Store an event; answer with it as it was sent, or 400 with the field at fault."""
    raw = await _store_event(request)
    app.context.receiver.counts[ANALYTICS_EVENTS.name, "accepted"] += 1
    return Response(body=raw, status=HTTPStatus.CREATED, content_type=JSON, headers=UNKEPT)


async def _store_event(request: Request) -> bytes:
    receiver = app.context.receiver
    encoding = known_encoding(request.headers.get(hdrs.CONTENT_ENCODING, ""))
    with HeldBytes(receiver.in_flight) as held:
        body = await read_body(request, held, most_bytes=MOST_BYTES, seconds=app.settings.ingest_body_seconds)
        raw = b"".join(inflate(body, encoding, MOST_BYTES)).strip()
        try:
            read_event(raw)
        except InvalidEvent as fault:
            raise HttpError(HTTPStatus.BAD_REQUEST, fault.detail) from fault
        now_ms = int(time.time() * 1000)
        (stored,) = receiver.producer.put(ANALYTICS_EVENTS.name, [(now_ms, None, raw, [])], len(raw))
        await asyncio.shield(stored)
    return raw
