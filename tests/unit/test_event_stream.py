"""Event streams: a page that is gone, or takes nothing, holds nothing of the worker any longer."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from aiohttp.web import Application, AppRunner, Request, StreamResponse, TCPSite

from dataflow.web import event_stream
from dataflow.web.event_stream import send_events


class Streaming:
    """Serves a stream without end; notes what becomes of it."""

    def __init__(self) -> None:
        self.has_let_go, self.has_answered = asyncio.Event(), asyncio.Event()
        served = Application()
        served.router.add_get("/", self.view)
        self.runner = AppRunner(served)

    async def view(self, http: Request) -> StreamResponse:
        """Stream as fast as the page takes it."""
        response = await send_events(http, self._frames())
        self.has_answered.set()
        return response

    async def _frames(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b": " + b"x" * (1 << 20) + b"\n\n"
        finally:
            self.has_let_go.set()


@pytest.fixture
async def streaming():
    """Return a stream that is served, and a connection to it on which nothing has been read."""
    stream = Streaming()
    await stream.runner.setup()
    await TCPSite(stream.runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*stream.runner.addresses[0][:2])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    yield stream, reader, writer
    writer.transport.abort()
    await stream.runner.cleanup()


async def test_a_page_that_takes_nothing_is_let_go(streaming, monkeypatch: pytest.MonkeyPatch):
    """A computer that sleeps would have its tables asked for, and its topic read, until it wakes."""
    stream, _, _ = streaming
    monkeypatch.setattr(event_stream, "WRITE_SECONDS", 0.05)
    async with asyncio.timeout(30):
        await stream.has_let_go.wait()
        await stream.has_answered.wait()
        while stream.runner.server.connections:  # noqa: ASYNC110 - its end is told nobody
            await asyncio.sleep(0.01)


async def test_a_page_that_is_closed_amid_an_event_is_no_fault(streaming):
    """What asyncio raises then is not what it raises between two events."""
    stream, reader, writer = streaming
    async with asyncio.timeout(30):
        await reader.readline()
        await asyncio.sleep(0.1)  # by then it waits for the page
        writer.transport.abort()
        await stream.has_let_go.wait()
        await stream.has_answered.wait()
