"""A broker that takes connections and says nothing, so that each step of a client waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SilentBroker:
    """Where it listens; `asked` once somebody has connected, `left` once they have gone."""

    def __init__(self) -> None:
        self.address = ""
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def say_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the client goes."""
        self.asked.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        self.left.set()


@asynccontextmanager
async def silent_broker() -> AsyncIterator[SilentBroker]:
    """Run one until the block ends."""
    broker = SilentBroker()
    async with await asyncio.start_server(broker.say_nothing, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        broker.address = f"{host}:{port}"
        yield broker
