"""Expectations: a body is asked for by whoever reads it, not before a request was looked at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.web import Application, AppRunner, Request, Response, post

from dataflow.http_error import overloaded, unauthorized
from dataflow.web.body import read_body
from dataflow.web.edge import json_edge
from dataflow.web_connections import CONNECTIONS, OpenConnections
from dataflow.web_server import listen
from dataflow.web_site import BoundedSite

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def full(size: int) -> None:
    """Refuse to hold anything."""
    if size > 0:
        raise overloaded("no bytes more; expected fewer")


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """Serve routes that read bodies, and some that refuse; give the port."""

    async def echo(request: Request) -> Response:
        body = await read_body(request, lambda _: None, most_bytes=100, seconds=10)
        return Response(body=body)

    async def busy(request: Request) -> Response:
        return Response(body=await read_body(request, full, most_bytes=100, seconds=10))

    async def closed(_: Request) -> Response:
        raise unauthorized(["Basic"])

    application = Application(middlewares=[json_edge])
    application[CONNECTIONS] = OpenConnections(1_000)
    application.add_routes([post("/", echo), post("/busy", busy), post("/closed", closed)])
    runner = AppRunner(application, lingering_time=0.1)
    await runner.setup()
    listening = listen("PORT", "127.0.0.1", 0)
    port = listening.getsockname()[1]
    await BoundedSite(runner, listening, application[CONNECTIONS]).start()
    try:
        yield port
    finally:
        await runner.cleanup()


async def first_answer(port: int, request: str) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    """Return what comes first for the head of a request, without its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace("\n", "\r\n").encode())
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10), reader, writer


ASKING = "POST {} HTTP/1.1\nHost: localhost\nExpect: 100-continue\nContent-Length: {}\n\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (ASKING.format("/closed", 5), b"401"),
        (ASKING.format("/", 101), b"413"),
        (ASKING.format("/busy", 5), b"429"),
        (ASKING.format("/nowhere", 5), b"404"),
        (ASKING.format("/", 5).replace("POST", "PUT"), b"405"),
        (ASKING.format("/", 5).replace("100-continue", "a miracle"), b"417"),
    ],
)
async def test_what_is_refused_for_its_head_is_not_asked_for_its_body(head: str, status: bytes):
    """A stranger was told to go on, and sent all of a body before he was refused."""
    async with serving() as port:
        answer, _, writer = await first_answer(port, head)
        assert answer[9:12] == status
        assert b"\r\nConnection: close\r\n" in answer
        writer.close()


async def test_a_body_that_is_wanted_is_asked_for_once():
    """Curl waits a second for it with each body of more than 1 MB."""
    async with serving() as port:
        answer, reader, writer = await first_answer(port, ASKING.format("/", 5))
        assert answer == CONTINUE
        writer.write(b"hello")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\nhello"), 10)
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        ASKING.format("/", 5) + "hello",
        ASKING.format("/", 5).replace("1.1", "1.0") + "hello",
        ASKING.format("/", 0),
        ASKING.format("/", 5).replace("Expect: 100-continue\n", "") + "hello",
    ],
)
async def test_a_sender_that_does_not_wait_is_not_told_to_go_on(head: str):
    """HTTP/1.0 does not know of it; others may have sent the body already."""
    async with serving() as port:
        answer, _, writer = await first_answer(port, head)
        assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
        writer.close()
