"""Slow readers: who takes an answer gets all of it, who takes nothing is let go, and neither holds memory."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.web import Application, AppRunner, Request, Response, get
from harness.certificates import Authority

from dataflow import web_site
from dataflow.tls import server_context
from dataflow.web import slow_readers
from dataflow.web.edge import json_edge
from dataflow.web_connections import CONNECTIONS, OpenConnections
from dataflow.web_server import listen
from dataflow.web_site import BoundedSite

LARGE = bytes(range(256)) * (32 << 10)
SMALL = b"x" * (32 << 10)
"""Less than a piece: what the transport keeps once the answer is sent."""


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, AppRunner]]:
    """Serve a large answer, and a small one."""

    async def large(_: Request) -> Response:
        return Response(body=LARGE)

    async def small(_: Request) -> Response:
        return Response(body=SMALL)

    application = Application(middlewares=[slow_readers.send_in_time, json_edge])
    application[CONNECTIONS] = OpenConnections(1_000)
    application.add_routes([get("/large", large), get("/small", small)])
    runner = AppRunner(application, keepalive_timeout=0.2)
    await runner.setup()
    listening = listen("PORT", "127.0.0.1", 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    port = listening.getsockname()[1]
    await BoundedSite(runner, listening, application[CONNECTIONS], context).start()
    try:
        yield port, runner
    finally:
        await runner.cleanup()


async def connect(port: int) -> socket.socket:
    """Return a connection whose system takes little that is not read."""
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


async def wait_for_no_connection(runner: AppRunner) -> None:
    """Return once the server has none open."""
    assert runner.server is not None
    async with asyncio.timeout(20):
        while runner.server.connections:  # noqa: ASYNC110  # aiohttp has no event for it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("path", "requests"), [("/large", 1), ("/small", 8), ("/small", 1)])
async def test_who_takes_nothing_is_let_go(path: str, requests: int, monkeypatch: pytest.MonkeyPatch):
    """It held the answer, a connection, and the end of the worker, as long as it liked."""
    monkeypatch.setattr(slow_readers, "TAKE_SECONDS", 0.2)
    monkeypatch.setattr(slow_readers, "LEAST_BYTES_PER_SECOND", 64 << 20)
    monkeypatch.setattr(web_site, "UNTAKEN_SECONDS", 1)
    async with serving() as (port, runner):
        client = await connect(port)
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        await asyncio.get_running_loop().sock_sendall(client, request * requests)
        await asyncio.sleep(0.1)
        await wait_for_no_connection(runner)
        client.close()


async def test_only_a_piece_of_an_answer_waits_to_be_taken():
    """Else a thousand clients that read nothing cost a thousand copies of it."""
    async with serving() as (port, runner):
        client = await connect(port)
        await asyncio.get_running_loop().sock_sendall(
            client, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        await asyncio.sleep(0.3)
        assert runner.server is not None
        [connection] = runner.server.connections
        assert connection.transport is not None
        assert 0 < connection.transport.get_write_buffer_size() <= 4 * slow_readers.PIECE_BYTES
        client.close()


@pytest.mark.parametrize("is_tls", [False, True])
async def test_who_takes_an_answer_slowly_gets_all_of_it(is_tls: bool, tmp_path: Path):
    """Pieces are in order, and the length is told before them."""
    Authority(tmp_path, "ca").issue("server")
    context = server_context(tmp_path / "server.crt", tmp_path / "server.key", None) if is_tls else None
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt")) if is_tls else None
    async with serving(context) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, limit=4_096)
        writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {len(LARGE)}\r\n".encode() in head
        taken = bytearray()
        while piece := await reader.read(1 << 20):
            taken += piece
            await asyncio.sleep(0)
        assert taken == LARGE
        writer.close()
