"""What HTTP ingest costs: a worker in the role ingest in; CPU a line and requests a CPU second out.

    python tests/bench/ingest.py [--seconds 10]

CPU is user and system time of the worker process, all its threads, as the kernel counts it. Senders
are bare sockets that keep their connections; each waits for its answer before it sends again.
"""

import argparse
import asyncio
import base64
import gzip
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import bcrypt

# Not by PYTHONPATH, which the worker would inherit: tests/flows would be its agents.
sys.path.append(str(Path(__file__).parents[1]))

from chaos.cluster import Cluster
from machine import cpu_seconds, peak_bytes

from dataflow.broker import FULL_JVM, EmbeddedBroker
from dataflow.samples import sample_events

USER, PASSWORD = "akamai", "a long enough password"
GZIP = b"\x1f\x8b"
SENDERS_OF_BIG, SENDERS_OF_SMALL, ALL_SENDERS = 8, 64, 2_500


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of load."""

    name: str
    requests: int
    lines: int
    seconds: float
    cpu_seconds: float
    slowest_seconds: float

    @property
    def summary(self) -> dict[str, object]:
        """Return the figures that are shown."""
        return {
            "load": self.name,
            "requests": self.requests,
            "lines": self.lines,
            "cpu_us_per_line": round(self.cpu_seconds / self.lines * 1e6, 2),
            "cpu_us_per_request": round(self.cpu_seconds / self.requests * 1e6, 1),
            "requests_per_cpu_second": round(self.requests / self.cpu_seconds),
            "requests_per_second": round(self.requests / self.seconds),
            "lines_per_second": round(self.lines / self.seconds),
            "slowest_ms": round(self.slowest_seconds * 1e3),
        }


def request_of(body: bytes, *, packed: bool) -> bytes:
    """Return a whole request, with a password as DataStream sends it."""
    shown = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    head = [
        "POST /ingest HTTP/1.1",
        "Host: localhost",
        f"Authorization: Basic {shown}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Content-Encoding: gzip"] if packed else []),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Sender(asyncio.Protocol):
    """Sends one request after the other until the time is over."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request, self.until = request, until
        self.answered, self.slowest = 0, 0.0
        self.finished = asyncio.get_running_loop().create_future()
        self._answer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Send the first request."""
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send the next as soon as an answer is whole."""
        self._answer += data
        if not self._answer.endswith(b"}"):
            return
        assert self._answer.startswith(b"HTTP/1.1 200 "), self._answer
        assert b'"dead_lettered":0' in self._answer, self._answer
        self._answer = b""
        self.answered += 1
        now = time.monotonic()
        self.slowest = max(self.slowest, now - self._sent_at)
        if now < self.until:
            self._send()
        else:
            self.transport.close()
            self.finished.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail if there was more to send."""
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("closed by the worker"))

    def _send(self) -> None:
        self._sent_at = time.monotonic()
        self.transport.write(self.request)


async def send(port: int, request: bytes, senders: int, seconds: float) -> list[Sender]:
    """Have so many senders send for so long."""
    loop, until = asyncio.get_running_loop(), time.monotonic() + seconds
    made = []
    for _ in range(senders):
        _, sender = await loop.create_connection(lambda: Sender(request, until), "127.0.0.1", port)
        made.append(sender)
    await asyncio.gather(*(sender.finished for sender in made))
    return made


@dataclass(frozen=True, slots=True)
class Load:
    """So many senders, each with the same body again and again."""

    name: str
    body: bytes
    lines: int
    senders: int

    def measure(self, port: int, pid: int, seconds: float) -> Measured:
        """Measure it, after a second that warms all up."""
        request = request_of(self.body, packed=self.body.startswith(GZIP))
        asyncio.run(send(port, request, self.senders, 1.0))
        cpu, began = cpu_seconds(pid), time.monotonic()
        made = asyncio.run(send(port, request, self.senders, seconds))
        passed = time.monotonic() - began
        answered = sum(sender.answered for sender in made)
        slowest = max(sender.slowest for sender in made)
        return Measured(self.name, answered, answered * self.lines, passed, cpu_seconds(pid) - cpu, slowest)


@contextmanager
def ingest_worker() -> Iterator[tuple[int, int]]:
    """Run a broker and a worker; give port and process id."""
    with TemporaryDirectory(prefix="bench-ingest-") as folder:
        broker = EmbeddedBroker(Path(folder) / "broker", jvm=FULL_JVM)
        broker.start()
        try:
            broker.wait_ready()
            secrets = Path(folder) / "htpasswd"
            hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
            secrets.write_text(f"{USER}:{hashed}\n")
            cluster = Cluster(
                broker, Path(folder), role="ingest", ingest_htpasswd_file=str(secrets), log_level="warning"
            )
            worker = cluster.start_worker()
            try:
                worker.wait_ready()
                yield worker.port, worker.process.pid
            finally:
                worker.stop()
        finally:
            broker.kill()


def main() -> None:
    """Measure, and print one JSON line a load."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    lines = sample_events("cdn-logs")[:1_000]
    big, small = b"\n".join(lines), b"\n".join(lines[:3])
    loads = [
        Load("1,000-line gzip bodies", gzip.compress(big), 1_000, SENDERS_OF_BIG),
        Load("1,000-line plain bodies", big, 1_000, SENDERS_OF_BIG),
        Load("3-line bodies, 64 senders", small, 3, SENDERS_OF_SMALL),
        Load("3-line bodies, 2,500 senders", small, 3, ALL_SENDERS),
    ]
    with ingest_worker() as (port, pid):
        for load in loads:
            print(json.dumps(load.measure(port, pid, seconds).summary), flush=True)
        print(json.dumps({"peak_mib": round(peak_bytes(pid) / 2**20)}))


if __name__ == "__main__":
    main()
