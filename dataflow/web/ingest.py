"""Ingest over HTTP: bodies of lines; answered once the broker has every one of them."""

from typing import Annotated

import msgspec
from aiohttp.web import Request

from dataflow.access.identity import AccessRole
from dataflow.app import app
from dataflow.catalogue.declared import INGESTED
from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams import cdn_logs
from dataflow.http_error import unknown_name
from dataflow.sources.inflate import known_encoding
from dataflow.sources.receive import Outcome
from dataflow.sources.sorting import sender_headers
from dataflow.web.body import read_body
from dataflow.web.parameter import about, named
from dataflow.web.route import Content, Routes

routes = Routes("What comes in")

ERRORS = {
    400: "The body is incomplete, or does not match Content-Encoding",
    413: "The body is too large, packed or unpacked",
    415: "The Content-Encoding is not supported",
    429: "Too many bytes are in flight, or too many wrong passwords; retry later",
    503: "Kafka is away or too slow, or the body arrived too slowly; retry later",
}
ENCODINGS = ("gzip", "deflate", "zstd", "identity")
LINES = (
    Content("application/x-ndjson", {"type": "string"}, '{"reqTimeSec":"1645568187.280","statusCode":"200"}'),
    Content("text/plain", {"type": "string"}),
)


class SenderHeaders(msgspec.Struct, kw_only=True):
    """What the headers say of a body; the query is ignored."""

    encoding: Annotated[str, about("How the body is compressed", names=ENCODINGS, place="header")] = named(
        "Content-Encoding", "identity"
    )


class StreamRequest(SenderHeaders, kw_only=True):
    """Lines of a stream."""

    stream: Annotated[str, about("Name of a stream", names=tuple(INGESTED), example="access-logs")]


@routes(
    "post",
    "/ingest",
    AccessRole.SEND,
    stream=cdn_logs.STREAM.name,
    description="One JSON object a line, one object, or an array; or STRUCTURED lines with a field order.",
    body=LINES,
    errors=ERRORS,
)
async def ingest_cdn_logs(request: SenderHeaders, http: Request) -> Outcome:
    """Receive CDN logs as DataStream 2 sends them."""
    return await _ingest(cdn_logs.STREAM, request.encoding, http)


@routes(
    "post",
    "/ingest/{stream}",
    AccessRole.SEND,
    body=LINES,
    errors={**ERRORS, 404: "There is no such stream"},
)
async def ingest_stream(request: StreamRequest, http: Request) -> Outcome:
    """Receive lines of a stream."""
    if request.stream not in INGESTED:
        raise unknown_name("stream", request.stream, INGESTED)
    return await _ingest(INGESTED[request.stream], request.encoding, http)


async def _ingest(stream: Stream, content_encoding: str, http: Request) -> Outcome:
    receiver, settings = app.context.receiver, app.settings
    encoding = known_encoding(content_encoding)
    sender = sender_headers(http.remote or "", http.headers.get("X-Forwarded-For"))
    with receiver.in_flight() as hold:
        body = await read_body(
            http, hold, most_bytes=settings.ingest_body_bytes, seconds=settings.ingest_body_seconds
        )
        outcome = await receiver.receiving.receive(stream, body, encoding, sender)
    receiver.counts[stream.topic, "accepted"] += outcome.accepted
    receiver.counts[stream.topic, "dead_lettered"] += outcome.dead_lettered
    return outcome
