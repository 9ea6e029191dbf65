"""Connections: those beyond the bound get 503, health checks an answer, the rest waits; none is dropped."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.web import Application, AppRunner, Request, Response, get
from harness.certificates import Authority

from dataflow import web_connections
from dataflow.tls import server_context
from dataflow.web.edge import json_edge
from dataflow.web_connections import CONNECTIONS, OpenConnections
from dataflow.web_server import listen
from dataflow.web_site import BoundedSite

FILES = 16
"""A limit that leaves 12 connections, and one that is refused."""


class Client:
    """A connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, path: str) -> bytes:
        """Return the answer to a request."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
        return head + await self.reader.readexactly(length)

    async def is_closed(self) -> bool:
        """Return when the other side has closed it."""
        return await asyncio.wait_for(self.reader.read(), 10) == b""


@dataclass(slots=True)
class Serving:
    """A server and its clients."""

    site: BoundedSite
    port: int
    connections: OpenConnections
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> Client:
        """Connect; the system does that before the server accepts."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return Client(reader, writer)


@asynccontextmanager
async def serving(most_files: int, *, accepts: bool = True) -> AsyncIterator[Serving]:
    """Serve two routes; with `accepts` the site is started."""

    async def answer(_: Request) -> Response:
        return Response(text="served")

    application = Application(middlewares=[json_edge])
    application[CONNECTIONS] = OpenConnections(most_files)
    application.add_routes([get("/", answer), get("/healthz", answer)])
    runner = AppRunner(application)
    await runner.setup()
    listening = listen("PORT", "127.0.0.1", 0)
    site = BoundedSite(runner, listening, application[CONNECTIONS])
    if accepts:
        await site.start()
    serving = Serving(site, listening.getsockname()[1], application[CONNECTIONS])
    try:
        yield serving
    finally:
        for writer in serving.writers:
            writer.close()
        await runner.cleanup()


def lowest_free_descriptor() -> int:
    """Return the number that the next opened file gets; with it as the limit none can be opened."""
    with Path("/dev/null").open("rb") as file:
        return file.fileno()


async def test_who_comes_beyond_the_bound_gets_503_and_health_checks_an_answer():
    """It has to hear that it should come again, and Kubernetes must not end the worker for its load."""
    async with serving(FILES) as it:
        served = [await it.connect() for _ in range(12)]
        crowded = await it.connect()
        answer = await crowded.ask("/")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"\r\nRetry-After: 5\r\n" in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert await crowded.is_closed()
        assert (await (await it.connect()).ask("/healthz")).startswith(b"HTTP/1.1 200")
        assert (await served[0].ask("/")).startswith(b"HTTP/1.1 200")
        assert it.connections.refused == 1


async def test_who_comes_beyond_those_waits_and_is_answered():
    """Many come at the same moment: each gets an answer, none a broken connection."""
    async with serving(FILES) as it:
        clients = [await it.connect() for _ in range(100)]
        answers = await asyncio.gather(*(client.ask("/") for client in clients))
        statuses = {answer[9:12] for answer in answers}
        assert b"200" in statuses
        assert statuses <= {b"200", b"503"}


async def wait_beginning(connections: OpenConnections, count: int) -> None:
    """Return once so many handshakes are under way."""
    for _ in range(1_000):
        if connections.beginning == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{connections.beginning} handshakes are under way; expected {count}")


async def test_handshakes_that_do_not_end_count_at_every_port(tmp_path: Path):
    """Else each of two ports would fill the bound for itself, and leave no files to Kafka."""
    Authority(tmp_path, "ca").issue("server")
    context = server_context(tmp_path / "server.crt", tmp_path / "server.key", None)
    async with serving(FILES) as it:
        listening = listen("PORT", "127.0.0.1", 0)
        await BoundedSite(it.site._runner, listening, it.connections, context).start()
        plain, it.port = it.port, listening.getsockname()[1]
        silent = [await it.connect() for _ in range(12)]
        await wait_beginning(it.connections, len(silent))
        it.port = plain
        assert (await (await it.connect()).ask("/")).startswith(b"HTTP/1.1 503")
        for client in silent:
            client.writer.close()
        await wait_beginning(it.connections, 0)
        assert (await (await it.connect()).ask("/")).startswith(b"HTTP/1.1 200")


async def test_connections_are_not_kept_while_many_are_open():
    """Idle ones of some senders would take the place of all others."""
    async with serving(FILES) as it:
        for number in range(50):
            client = await it.connect()
            assert (b"Connection: close" in await client.ask("/")) is (number >= 6), number


async def test_an_old_connection_ends_with_its_next_answer(monkeypatch: pytest.MonkeyPatch):
    """A client that keeps its connections would never come to a new worker."""
    now = 1_000.0
    monkeypatch.setattr(web_connections, "monotonic", lambda: now)
    async with serving(64) as it:
        it.connections.most_seconds = 100.0
        clients = [await it.connect() for _ in range(20)]
        assert not any([b"Connection: close" in await client.ask("/") for client in clients])
        now += 74
        assert not any([b"Connection: close" in await client.ask("/") for client in clients])
        now += 12
        some = [b"Connection: close" in await client.ask("/") for client in clients]
        assert any(some)
        assert not all(some), "all at once would be a crowd elsewhere"
        now += 15
        rest = [client for client, has_ended in zip(clients, some, strict=True) if not has_ended]
        assert all([b"Connection: close" in await client.ask("/") for client in rest])


async def test_connections_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    """A worker that is asked once by each of millions would remember all of them."""
    monkeypatch.setattr(web_connections, "LEAST_FORGOTTEN", 5)
    async with serving(4_000) as it:
        for _ in range(60):
            client = await it.connect()
            await client.ask("/")
            client.writer.close()
            await client.writer.wait_closed()
        assert len(it.connections._ends_at) < 20


async def test_every_connection_ends_with_its_next_answer_while_the_worker_drains():
    """So their clients come again, to a worker that goes on."""
    async with serving(64) as it:
        clients = [await it.connect() for _ in range(3)]
        assert not any([b"Connection: close" in await client.ask("/") for client in clients])
        it.connections.is_draining = True
        for client in clients:
            assert b"Connection: close" in await client.ask("/")
            assert await client.is_closed()


async def test_one_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch):
    """Sooner while there are many: they hold the places of those who have something to say."""
    monkeypatch.setattr(web_connections, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(web_connections, "CROWDED_SECONDS", 0.1)
    async with serving(FILES) as it:
        silent = [await it.connect() for _ in range(12)]
        crowded = await it.connect()
        assert await crowded.is_closed()
        assert not silent[0].reader.at_eof()
        assert all([await client.is_closed() for client in silent])
        assert (await (await it.connect()).ask("/")).startswith(b"HTTP/1.1 200")


async def test_want_of_files_is_logged_once_and_ends_with_it(caplog: pytest.LogCaptureFixture):
    """The loop closes what it cannot open a file for, or logs each try."""
    async with serving(FILES, accepts=False) as it:
        clients = [await it.connect() for _ in range(5)]
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free_descriptor(), limits[1]))
        try:
            await it.site.start()
            await asyncio.sleep(1.2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert it.connections.out_of_files > 1
        assert caplog.text.count("No connection can be accepted; trying again.") == 1
        for client in clients:
            assert (await client.ask("/")).startswith(b"HTTP/1.1 200")
