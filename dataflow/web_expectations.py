"""Expectations: a sender that asks before it sends a body is told to go on when somebody reads the body.

aiohttp tells it at once, before anybody has looked at who asks, and for what: a stranger would send all of a
body that nobody takes.
"""

import asyncio
from typing import Any, Final

from aiohttp import HttpVersion11, hdrs
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web import BaseRequest, RequestHandler, RequestKey, Server
from multidict import CIMultiDict, CIMultiDictProxy

EXPECTED: Final = RequestKey("expected", str)
CONTINUE: Final = "100-continue"


def defer_expectations(server: Server) -> None:
    """Have requests come without their `Expect` header, which `EXPECTED` holds then."""
    make = server.request_factory

    def make_deferred(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> BaseRequest:
        expected = message.headers.get(hdrs.EXPECT)
        if expected is None:
            return make(message, payload, protocol, writer, task)
        headers: CIMultiDict[str] = CIMultiDict(message.headers)
        del headers[hdrs.EXPECT]
        unasked = message._replace(headers=CIMultiDictProxy(headers))
        request = make(unasked, payload, protocol, writer, task)
        if message.version >= HttpVersion11:
            request[EXPECTED] = expected
        return request

    server.request_factory = make_deferred


def unknown_expectation(request: BaseRequest) -> str | None:
    """Return what a request expects where that is something else than to be told to go on."""
    expected = request.get(EXPECTED, CONTINUE)
    return None if expected.strip().lower() == CONTINUE else expected


async def tell_to_continue(request: BaseRequest) -> None:
    """Tell the sender of a request that its body is wanted, once, if it waits for that."""
    # Where the body has begun to come, the sender does not wait.
    if request.get(EXPECTED) is None or request.content.total_bytes or request.content.is_eof():
        return
    writer: Any = request.writer
    await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    writer.output_size = 0
