"""Open dashboards: the CPU that a worker needs to keep pages up to date, in percent of a core.

Run `python tests/bench/dashboards.py [PAGES]`. All that is sent changes all the time, as at 20,000 events a
second; the questions, asked once for all pages, take a fortieth of the time at most and come on top.
"""

import asyncio
import multiprocessing
import socket
import sys
import time
from types import SimpleNamespace

from aiohttp.web import Application, AppRunner, Request, StreamResponse, TCPSite

from dataflow.web import event_stream, live
from dataflow.web.live import frames_of
from dataflow.web.live_answers import Ask

SECONDS = 10.0
ANSWERS = {"streams": 2_500, "tables": 3_000, "sinks": 200, "requests": 22_000} | {
    f"curve {number}": 22_000 for number in range(6)
}
"""The answers that *Overview* follows, with about as many bytes as they have."""


class Changing:
    """An answer of a size that is another one each time."""

    def __init__(self, size: int) -> None:
        self._text = "x" * size
        self._number = 0

    async def ask(self) -> object:
        """Answer."""
        self._number += 1
        return {"number": self._number, "text": self._text}


async def always(_: object) -> bool:
    """Let a stream stay open: who listens costs as much as one look at the access file, once a second."""
    return True


async def page(http: Request) -> StreamResponse:
    """Serve one page."""
    asks: list[tuple[str, Ask]] = [(name, Changing(size).ask) for name, size in ANSWERS.items()]
    return await event_stream.send_events(http, frames_of(http, asks, [], time.monotonic() + 3_600))


def read(port: int, pages: int) -> None:
    """Read what is sent to so many pages, in a process of its own."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while await reader.read(1 << 20):
            pass

    async def every() -> None:
        await asyncio.gather(*(one() for _ in range(pages)))

    asyncio.run(every())


async def measure(pages: int) -> float:
    """Return the CPU seconds a second of a process with so many open pages."""
    application = Application()
    application.router.add_get("/", page)
    runner = AppRunner(application)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    listening.close()
    await TCPSite(runner, "127.0.0.1", port).start()
    readers = multiprocessing.get_context("spawn").Process(target=read, args=(port, pages), daemon=True)
    readers.start()
    await asyncio.sleep(3.0)
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(SECONDS)
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    readers.kill()
    await runner.cleanup()
    return share


def main() -> None:
    """Print one line for no page, one for one, and one for many."""
    ending = SimpleNamespace(
        should_stop=False, web=SimpleNamespace(connections=SimpleNamespace(is_draining=False))
    )
    vars(event_stream)["app"] = ending
    vars(live).update(stays_open=always, not_ready_for=lambda: None)
    for pages in (0, 1, int(sys.argv[1]) if len(sys.argv) > 1 else 50):
        print(f"{pages:4} pages {100 * asyncio.run(measure(pages)):6.2f} % of a core")


if __name__ == "__main__":
    main()
