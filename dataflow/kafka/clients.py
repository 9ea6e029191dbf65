"""Clients: how every one of them is started, how it ends, and how long to wait before another try."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

import dataflow.kafka.closing  # noqa: F401  # for all of them

CANCEL_SECONDS = 0.05
CONNECT_SECONDS = 2.0
IN_FLIGHT_SECONDS = 0.3
START_SECONDS = 1.0


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
        await start(client)
        yield client
    finally:
        await asyncio.sleep(0)  # aiokafka's stop() fails if its tasks have not begun
        # By itself: when the broker is away it raises CancelledError, as if we were cancelled.
        stopping = asyncio.create_task(client.stop())
        await asyncio.wait([stopping])
        if not stopping.cancelled():
            stopping.result()
        elif isinstance(client, AIOKafkaConsumer):
            await client._client.close()  # it has not come to that


async def start(client: Client) -> None:
    """Start a client; when we are cancelled meanwhile, give it a moment to come to an end.

    aiokafka begins with a connection that nobody closes if it is cancelled before the first answer.
    """
    starting = asyncio.create_task(client.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting], timeout=START_SECONDS)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def is_reachable(connection: Mapping[str, object]) -> bool:
    """Tell whether anybody listens at one of a broker's addresses."""
    servers = cast("Sequence[str]", connection["bootstrap_servers"])
    return any(await asyncio.gather(*(_listens(*server.rsplit(":", 1)) for server in servers)))


async def _listens(host: str, port: str) -> bool:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


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
    ended = producer._txn_manager and producer._txn_manager.wait_for_transaction_end()
    if ended is not None and ended.done():
        ended.exception()  # else asyncio complains that nobody has asked


def backoff(first_seconds: float = 0.2, longest_seconds: float = 5.0) -> Iterator[float]:
    """Yield the seconds to wait before each new try, without end: twice as long each time."""
    pause = first_seconds
    while True:
        yield pause
        pause = min(pause * 2, longest_seconds)
