"""Event stream: server-sent events to one page, which is let go when it is closed, or takes none."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

import msgspec
from aiohttp.web import Request, StreamResponse

from dataflow.app import app
from dataflow.http_error import unavailable
from dataflow.web.authorize import is_still_known
from dataflow.web.edge import EVENT_STREAM, SAFE_HEADERS, UNKEPT
from dataflow.web.route import Content

STREAM: Final = Content(EVENT_STREAM, {"type": "string"})

WRITE_SECONDS: Final = 30.0
"""A page that takes nothing for so long is let go."""


async def send_events(http: Request, frames: AsyncGenerator[bytes, None]) -> StreamResponse:
    """Send these frames while the page takes them; a HEAD gets none.

    A worker that ends refuses: browsers ask five times a second for a stream that ends without an error.
    """
    if _is_ending():
        await frames.aclose()
        raise unavailable("this worker is about to stop; expected another one, or this one later")
    response = StreamResponse(headers={**UNKEPT, **SAFE_HEADERS, "X-Accel-Buffering": "no"})
    response.content_type = STREAM.media
    async with aclosing(frames):
        await response.prepare(http)
        if http.method != "HEAD":
            with suppress(ConnectionError):  # the page was closed
                async for frame in frames:
                    await _write(http, response, frame)
                await response.write_eof()
    return response


async def _write(http: Request, response: StreamResponse, frame: bytes) -> None:
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(frame)
    except TimeoutError:
        if http.transport is not None:
            http.transport.abort()  # else aiohttp would wait for the page to take the end of it
        raise ConnectionResetError from None


async def stays_open(http: Request) -> bool:
    """Tell whether a stream may: not when the worker ends, nor when who listens has other roles, or none."""
    return not _is_ending() and await is_still_known(http)


def _is_ending() -> bool:
    return app.should_stop or app.web.connections.is_draining


def event(name: str, content: object) -> bytes:
    """Return an event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(content))
