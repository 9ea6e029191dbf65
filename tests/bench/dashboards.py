"""Open dashboards: the CPU that a worker as shipped takes at a steady pace, without any page and with many.

Run `python tests/bench/dashboards.py [PAGES [RATE]]`. Access logs come in at the pace all the time; the pages
follow what *Overview* shows, and are open in every second turn.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from cluster import Cluster
from confluent_kafka import Producer
from flows.access_logs import ShippedLines
from machine import described
from soak import lines
from worker import shipped_worker, wait_until_ready

from dataflow.demo.broker import EmbeddedBroker

TURNS = 6  # without and with pages
TURN_SECONDS = 15.0
BEGIN_SECONDS = 5.0
"""What a turn's begin takes is in no figure: pages get all their answers then."""

CURVE = "tables/requests_per_status?window=minute&newest=120&limit=1000&keys=together"
OVERVIEW = ("streams", "tables", "sinks", CURVE, f"{CURVE}&topic=access-logs")


class Pace:
    """Lines that come at a steady pace."""

    def __init__(self, flow: ShippedLines, rate: int) -> None:
        self._flow, self._rate, self._lines = flow, rate, lines()
        self._producer = Producer({"bootstrap.servers": flow.cluster.address, "linger.ms": 5})

    def keep(self, seconds: float) -> None:
        """Send for so long."""
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(passed * self._rate) - sent):
                self._producer.produce(
                    self._flow.source, next(self._lines), partition=sent % self._flow.partitions
                )
                sent += 1
            self._producer.poll(0)
            time.sleep(0.005)
        self._producer.flush(BEGIN_SECONDS)


def read(port: int, pages: int) -> None:
    """Read what is sent to so many pages; runs in a process of its own."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        query = urlencode({"of": " ".join(OVERVIEW), "seconds": 3_600})
        writer.write(f"GET /live?{query} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        while await reader.read(1 << 20):
            pass

    async def every() -> None:
        await asyncio.gather(asyncio.Event().wait(), *(one() for _ in range(pages)))

    asyncio.run(every())


@contextmanager
def open_pages(port: int, pages: int) -> Iterator[None]:
    """Keep so many pages open while the block runs."""
    readers: BaseProcess = multiprocessing.get_context("spawn").Process(target=read, args=(port, pages))
    readers.start()
    try:
        yield
        assert readers.is_alive(), "the pages were refused"
    finally:
        readers.kill()
        readers.join()


def measure(broker: EmbeddedBroker, pages: int, rate: int) -> dict[int, list[float]]:
    """Return the cores of the worker in each turn, by the number of open pages."""
    flow = ShippedLines(Cluster(broker.address), "dashboards", 0)
    cores: dict[int, list[float]] = {0: [], pages: []}
    with shipped_worker(flow) as (child, port):
        wait_until_ready(child, port)
        pace = Pace(flow, rate)
        pace.keep(2 * BEGIN_SECONDS)
        for _ in range(TURNS):
            for number, turns in cores.items():
                with open_pages(port, number):
                    pace.keep(BEGIN_SECONDS)
                    began, cpu = time.monotonic(), child.cpu_seconds
                    pace.keep(TURN_SECONDS)
                    turns.append((child.cpu_seconds - cpu) / (time.monotonic() - began))
    return cores


def main() -> None:
    """Print the cores of all turns, and by how much those with pages are dearer."""
    pages, rate = (int(word) for word in [*sys.argv[1:], *("50", "20000")[len(sys.argv) - 1 :]])
    with TemporaryDirectory(prefix="dashboards-") as folder:
        broker = EmbeddedBroker(Path(folder), jvm=("-Xmx1g", "-Xms512m"))
        broker.start()
        try:
            broker.wait_ready()
            cores = measure(broker, pages, rate)
        finally:
            broker.kill()
    print(f"{rate:,} lines/s; {described()}")
    for number, turns in cores.items():
        print(f"{number:4} pages: {median(turns):.3f} cores ({min(turns):.3f}–{max(turns):.3f})")
    pairs = [100 * (dear / cheap - 1) for cheap, dear in zip(*cores.values(), strict=True)]
    print(f"{pages} pages cost {median(pairs):.1f} % more ({min(pairs):.1f}–{max(pairs):.1f})")


if __name__ == "__main__":
    main()
