"""Senders: a request in, how often it was answered out; bare sockets that keep their connections."""

import asyncio
import base64
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """What all senders together have done."""

    requests: int
    seconds: float
    slowest_seconds: float
    refused: int
    """Answers other than that every line is stored."""


def request_of(body: bytes, user: str, password: str, *, packed: bool) -> bytes:
    """Return a whole request, with a password as DataStream sends it."""
    shown = base64.b64encode(f"{user}:{password}".encode()).decode()
    head = [
        "POST /ingest HTTP/1.1",
        "Host: localhost",
        f"Authorization: Basic {shown}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Content-Encoding: gzip"] if packed else []),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def send(port: int, request: bytes, senders: int, seconds: float) -> Sent:
    """Have so many senders send for so long; each waits for its answer before it sends again."""
    began = time.monotonic()
    made = asyncio.run(_send(port, request, senders, began + seconds))
    return Sent(
        sum(sender.answered for sender in made),
        time.monotonic() - began,
        max(sender.slowest for sender in made),
        sum(sender.refused for sender in made),
    )


class Sender(asyncio.Protocol):
    """Sends one request after the other until the time is over."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request, self.until = request, until
        self.answered, self.refused, self.slowest = 0, 0, 0.0
        self.finished = asyncio.get_running_loop().create_future()
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send the next as soon as an answer is whole."""
        self._answer += data
        if not self._answer.endswith(b"}"):
            return
        is_stored = self._answer.startswith(b"HTTP/1.1 200 ") and b'"dead_lettered":0' in self._answer
        self.answered += is_stored
        self.refused += not is_stored
        self._answer = b""
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


async def _send(port: int, request: bytes, senders: int, until: float) -> list[Sender]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(senders):
        _, sender = await loop.create_connection(lambda: Sender(request, until), "127.0.0.1", port)
        made.append(sender)
    await asyncio.gather(*(sender.finished for sender in made))
    return made
