"""The site of the web server: accepts connections as long as there is room for them.

asyncio and uvloop accept all that wait, and drop those for which no file can be opened, without a word.
"""

import asyncio
import socket
import ssl
from contextlib import suppress

from aiohttp.web import AppRunner, BaseSite, RequestHandler, SockSite

from dataflow.web_connections import OUT_OF_FILES, OpenConnections
from dataflow.web_expectations import defer_expectations

AT_ONCE = 64
PAUSE_SECONDS = 0.02
NO_FILE_PAUSE_SECONDS = 0.5

UNTAKEN_SECONDS = 60
"""The system ends a connection whose client takes nothing for so long, also one closed on this side."""


class BoundedSite(SockSite):
    """Listens on a socket; each connection is served by the runner's server."""

    def __init__(
        self,
        runner: AppRunner,
        listening: socket.socket,
        connections: OpenConnections,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(runner, listening, ssl_context=ssl_context)
        listening.setblocking(False)
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._beginning = set[asyncio.Task[None]]()
        self._is_open = False
        assert runner.server is not None
        defer_expectations(runner.server)

    async def start(self) -> None:
        """Accept connections from now on."""
        await BaseSite.start(self)
        self._is_open = True
        self._listen()

    async def stop(self) -> None:
        """Accept none any more; those that are open stay."""
        self._is_open = False
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for task in list(self._beginning):
            task.cancel()
        await super().stop()

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._sock, self._accept)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock)
        self._loop.call_later(seconds, self._listen)

    def _accept(self) -> None:
        server = self._runner.server
        assert server is not None
        self._connections.open = len(server.connections) + self._connections.beginning
        for _ in range(AT_ONCE):
            if not self._connections.has_room:
                self._pause(PAUSE_SECONDS)
                return
            try:
                accepted, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in OUT_OF_FILES:
                    raise
                self._connections.note_out_of_files(error)
                self._pause(NO_FILE_PAUSE_SECONDS)
                return
            self._begin(server(), accepted)

    def _begin(self, handler: RequestHandler, accepted: socket.socket) -> None:
        seconds = self._connections.add(handler, self._loop)
        task = self._loop.create_task(self._connect(handler, accepted, seconds))
        self._beginning.add(task)
        self._connections.beginning += 1
        task.add_done_callback(self._end_of_beginning)

    def _end_of_beginning(self, task: asyncio.Task[None]) -> None:
        self._beginning.discard(task)
        self._connections.beginning -= 1

    async def _connect(self, handler: RequestHandler, accepted: socket.socket, seconds: float) -> None:
        accepted.setblocking(False)
        with suppress(OSError, asyncio.TimeoutError):  # it is gone, or its handshake has failed
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_SECONDS * 1_000)
            await self._loop.connect_accepted_socket(
                lambda: handler,
                accepted,
                ssl=self._ssl_context,
                ssl_handshake_timeout=seconds if self._ssl_context else None,
            )
