"""Clients: how every one of them is started, how it ends, and how long to wait before another try."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

CANCEL_SECONDS = 0.05
IN_FLIGHT_SECONDS = 0.3


class Client(Protocol):
    """A consumer or a producer."""

    async def start(self) -> None:
        """Connect to the broker."""

    async def stop(self) -> None:
        """Finish, and disconnect."""


C = TypeVar("C", bound=Client)


@asynccontextmanager
async def running(client: C) -> AsyncIterator[C]:
    """Start a client; stop it at the end, also when it could not start."""
    try:
        await client.start()
        yield client
    finally:
        await asyncio.sleep(0)  # aiokafka's stop() fails if its tasks have not begun
        await client.stop()


async def drop(producer: AIOKafkaProducer) -> None:
    """End a producer with all that it has not sent; `stop()` would wait for a dead broker for ever."""
    producer._closed = True  # else its finalizer warns
    sending = producer._sender.sender_task
    while sending is not None and not sending.done():
        sending.cancel()  # the first only makes it wait for what is in flight
        await asyncio.wait((sending,), timeout=CANCEL_SECONDS)
    with suppress(KafkaError, OSError):
        await producer.client.close()
    if producer._sender._in_flight:  # it goes back into the queue first
        await asyncio.sleep(IN_FLIGHT_SECONDS)
    producer._message_accumulator.fail_all(ProducerClosed())  # who waits learns it at once


def backoff(first_seconds: float = 0.2, longest_seconds: float = 5.0) -> Iterator[float]:
    """Yield the seconds to wait before each new try, without end: twice as long each time."""
    pause = first_seconds
    while True:
        yield pause
        pause = min(pause * 2, longest_seconds)
