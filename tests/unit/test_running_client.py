"""A client in a context: how it ends in; what whoever uses it is told out."""

import asyncio

import pytest

from dataflow.kafka.clients import running


class Client:
    """A client that ends in this way."""

    def __init__(self, end: BaseException | None) -> None:
        self.end = end
        self.is_stopped = False

    async def start(self) -> None:
        """Connect to nothing."""

    async def stop(self) -> None:
        """End."""
        await asyncio.sleep(0)
        self.is_stopped = True
        if self.end is not None:
            raise self.end


async def test_a_cancellation_inside_the_client_is_not_ours():
    """Clients cancel tasks of their own at the end, and raise it: a service, and the worker, ended by it."""
    async with running(Client(asyncio.CancelledError())) as client:
        pass
    assert client.is_stopped


async def test_the_error_of_the_block_is_raised_whatever_the_end_says():
    """The broker is away: that is the reason, and what is tried again."""
    with pytest.raises(ConnectionError):
        async with running(Client(asyncio.CancelledError())):
            raise ConnectionError


async def test_an_error_at_the_end_is_raised():
    """What was not sent must not go unnoticed."""
    with pytest.raises(OSError, match="not sent"):
        async with running(Client(OSError("not sent"))):
            pass


@pytest.mark.parametrize("seconds", [0.05, 60])
async def test_a_start_that_is_cancelled_is_given_a_moment(seconds: float):
    """In its midst a client holds a connection that it cannot close; one that hangs is not waited for."""

    class Slow(Client):
        """Connects within this time."""

        is_started = False

        async def start(self) -> None:
            """Connect."""
            await asyncio.sleep(seconds)
            self.is_started = True

    client = Slow(None)

    async def use() -> None:
        async with running(client):
            pytest.fail("it was cancelled before")

    using = asyncio.create_task(use())
    await asyncio.sleep(0.01)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(using, 10)
    assert client.is_started == (seconds < 1)
    assert client.is_stopped


async def test_our_own_cancellation_goes_on():
    """A worker that ends must not wait for ever."""

    async def use() -> None:
        async with running(Client(None)):
            await asyncio.sleep(60)

    using = asyncio.create_task(use())
    await asyncio.sleep(0.01)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
