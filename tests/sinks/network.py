"""A network that fails: a server's address in; one of our own, with delay, cut or black hole, out."""

import asyncio
from collections.abc import Callable


class Network:
    """Passes bytes on between its clients and one server."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self.delay_seconds = 0.0
        self.swallows = False
        """A black hole: connections stay open, and nothing goes through."""
        self.swallows_answers = False
        """Half open: what clients send arrives, and they hear nothing of it."""
        self.delayed_packets = self.swallowed_packets = 0
        """What has been held up so far, and what has been lost."""
        self.port = 0
        self._pairs: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}

    async def start(self) -> "Network":
        """Take connections, at the same port each time."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def cut(self) -> None:
        """Reset what is open, refuse what comes."""
        self._server.close()
        for pair in self._pairs.values():
            for writer in pair:
                writer.transport.abort()
        if self._pairs:
            await asyncio.wait(self._pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.close()
            return
        pair = writer, up_writer
        passing = asyncio.current_task()
        assert passing is not None
        self._pairs[passing] = pair
        pumps = [
            asyncio.create_task(self._pump(reader, up_writer, lambda: self.swallows)),
            asyncio.create_task(
                self._pump(up_reader, writer, lambda: self.swallows or self.swallows_answers)
            ),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        del self._pairs[passing]
        for side in pair:
            side.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallows: Callable[[], bool]
    ) -> None:
        while data := await reader.read(1 << 16):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
                self.delayed_packets += 1
            if swallows():
                self.swallowed_packets += 1
            else:
                writer.write(data)
                await writer.drain()
