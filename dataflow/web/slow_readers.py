"""Slow readers: an answer is written piece by piece, and let go if its client does not take it in time.

Without a bound a client that reads nothing would hold an answer, its connection and the end of a worker.
"""

import asyncio
from contextlib import suppress
from io import BytesIO
from typing import Final

from aiohttp.payload import BytesIOPayload
from aiohttp.typedefs import Handler
from aiohttp.web import Request, Response, StreamResponse, middleware

PIECE_BYTES: Final = 64 << 10
"""Longer answers are written in such pieces, the next when the client has taken most of those before."""
TAKE_SECONDS: Final = 30.0
"""A client has so long for any answer, and longer for a large one:"""
LEAST_BYTES_PER_SECOND: Final = 64 << 10


@middleware
async def send_in_time(request: Request, handler: Handler) -> StreamResponse:
    """Send the answer, unless it is a stream, which has begun; end the connection if the client is too slow.

    aiohttp would send what is not sent then, and finds the connection closed.
    """
    response = await handler(request)
    if isinstance(response, Response) and not response.prepared:
        await _send(request, response)
    return response


async def _send(request: Request, response: Response) -> None:
    size = 0
    if isinstance(response.body, bytes):
        size = len(response.body)
        if size > PIECE_BYTES:
            response.body = BytesIOPayload(BytesIO(response.body))
    try:
        async with asyncio.timeout(TAKE_SECONDS + size / LEAST_BYTES_PER_SECOND):
            with suppress(ConnectionError):
                await response.prepare(request)
                await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # to close it would wait until the client has taken the rest
