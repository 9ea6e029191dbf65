"""Draining: a worker that is asked to end cuts off no kept connection, and what it has accepted counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from signal import SIGINT, SIGTERM
from time import monotonic

import pytest
from chaos.cluster import Cluster, running_cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from sources.senders import READY_SECONDS, answer_of

pytestmark = pytest.mark.long

SENDERS = 64
PAUSE_SECONDS = 0.2
DRAIN_SECONDS = 3
WAIT_SECONDS = 60


@dataclass(slots=True)
class Service:
    """What a load balancer does: new connections go to workers that say that they are ready."""

    ready: list[Worker]
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    """Lines by the port of the worker that has accepted them."""
    broken: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)
    has_ended: bool = False

    async def watch(self, worker: Worker) -> None:
        """Take a worker out once it is not ready, and note what it says then."""
        while not self.has_ended:
            status, said = await asyncio.to_thread(worker.ask, "/readyz")
            if status != 200:
                self.not_ready.append(str(said))
                self.ready.remove(worker)
                self.statuses[(await asyncio.to_thread(worker.ask, "/healthz"))[0]] += 1
                return
            await asyncio.sleep(PAUSE_SECONDS / 2)

    async def pause(self) -> None:
        """Wait a moment, as senders do."""
        await asyncio.sleep(PAUSE_SECONDS)

    async def send(self, sender: int) -> None:
        """Send a line after another; connect again only where an answer has said so."""
        while not self.has_ended:
            port = self.ready[sender % len(self.ready)].port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while not await self._send_one(reader, writer, port) and not self.has_ended:
                    await self.pause()
            except OSError as error:
                self.broken.append(repr(error))
            finally:
                writer.close()

    async def _send_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> bool:
        """Send a line, and tell whether the connection ends."""
        line = b'{"reqId":"drained"}\n'
        head = f"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(line)}\r\n\r\n"
        writer.write(head.encode() + line)
        raw = b""
        while not raw.endswith(b"}"):
            piece = await asyncio.wait_for(reader.read(65_536), WAIT_SECONDS)
            if not piece:
                raise ConnectionResetError(f"no answer, but {raw!r}, after {self.accepted[port]} lines")
            raw += piece
        answer = answer_of(raw)
        assert answer.status == 200, answer
        self.accepted[port] += 1
        return answer.headers["Connection"] == "close"


@asynccontextmanager
async def load_on(*workers: Worker) -> AsyncIterator[Service]:
    """Send to workers, by connections that are kept, all the time."""
    service = Service(list(workers))
    sending = [asyncio.create_task(service.send(sender)) for sender in range(SENDERS)]
    watching = asyncio.create_task(service.watch(workers[0]))
    try:
        yield service
    finally:
        service.has_ended = True
        await asyncio.gather(*sending, watching)


async def until(service: Service, port: int, lines: int) -> None:
    """Wait until a worker has accepted so many lines more."""
    deadline, wanted = monotonic() + WAIT_SECONDS, service.accepted[port] + lines
    while service.accepted[port] < wanted:
        assert monotonic() < deadline, service
        await asyncio.sleep(PAUSE_SECONDS / 2)


def received(cluster: Cluster, worker: Worker) -> int:
    """Return how many lines have been counted, by whichever worker."""
    status, answer = worker.ask("/streams")
    return answer["streams"]["cdn-logs"]["received"] if status == 200 else -1


async def test_a_worker_that_drains_cuts_no_kept_connection_and_loses_no_line(tmp_path):
    """16 of 16 kept connections were cut at each rolling update, their requests of unknown fate."""
    with running_cluster(tmp_path, drain_seconds=str(DRAIN_SECONDS)) as cluster:
        first, second = cluster.start_worker(), cluster.start_worker()
        for worker in (first, second):
            worker.wait_ready(READY_SECONDS)
        async with load_on(first, second) as service:
            await until(service, first.port, 2 * SENDERS)
            asked_at = monotonic()
            first.terminate()
            code = await asyncio.to_thread(first.wait_exit)
            seconds = monotonic() - asked_at
            await until(service, second.port, 4 * SENDERS)
        assert code == 0, first.tail()
        assert seconds >= DRAIN_SECONDS
        assert service.broken == []
        assert "worker is draining" in service.not_ready[0]
        assert service.statuses == {200: 1}, "it is alive while it drains"
        wait_until(
            lambda: received(cluster, second) == service.accepted.total(),
            WAIT_SECONDS,
            lambda: f"{service.accepted} lines counted, but {received(cluster, second)}",
        )


SIGNALS = ((SIGINT,), (SIGTERM, SIGINT), (SIGTERM, SIGTERM))


def test_ctrl_c_and_a_second_signal_end_a_worker_at_once(tmp_path):
    """Whoever sits before it waits for no load balancer."""
    with running_cluster(tmp_path, role="ingest", drain_seconds="600") as cluster:
        workers = [cluster.start_worker() for _ in SIGNALS]
        for worker, (first, *others) in zip(workers, SIGNALS, strict=True):
            worker.wait_ready(READY_SECONDS)
            worker.process.send_signal(first)
            for other in others:
                wait_until(lambda worker=worker: "Worker drains" in worker.said(), WAIT_SECONDS, worker.tail)
                worker.process.send_signal(other)
        for worker in workers:
            assert worker.wait_exit() == 0, worker.tail()
            assert "-INT-" not in worker.said()
