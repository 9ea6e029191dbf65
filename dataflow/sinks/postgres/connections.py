"""Connections to PostgreSQL: a URL in, a few connections that are thrown away after an error out."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]  # it comes without types

from dataflow.errors import SinkUnavailable

MOST = 4  # at once; a partition beyond that waits for its turn
CONNECT_SECONDS = 10.0
WORK_SECONDS = 60.0
CLOSE_SECONDS = 2.0

AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg makes of a server that dies while a connection is idle
    OSError,
)
"""The server's or the network's fault, or the schema's: a person or time mends it, and no row is lost."""


class Connections:
    """Lends connections, each with the temporary tables of `prepare`.

    A connection that has met an error is cut, not mended: asking a server that is away to
    roll back has no end, and one that lives rolls back by itself.
    """

    def __init__(
        self, url: str, prepare: Sequence[str] = (), server_settings: Mapping[str, str] | None = None
    ) -> None:
        self._url = url
        self._address = urlsplit(url).netloc.rpartition("@")[2]  # without the password
        self._server_settings = {"application_name": "dataflow", **(server_settings or {})}
        self._prepare = "; ".join(prepare)
        self._idle: list[asyncpg.Connection] = []
        self._free = asyncio.Semaphore(MOST)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend one connection, for up to a minute; raise `SinkUnavailable` for what goes wrong with it."""
        async with self._free:
            connection = None
            try:
                async with asyncio.timeout(WORK_SECONDS):
                    connection = self._take() or await self._connect()
                    yield connection
                self._idle.append(connection)
            except AWAY as error:
                self._drop_idle()  # what has broken one has mostly broken all
                raise SinkUnavailable(f"PostgreSQL at {self._address}: {_words(error)}") from error
            finally:
                if connection is not None and connection not in self._idle:
                    connection.terminate()

    def _take(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, server_settings=self._server_settings
        )
        if self._prepare:
            try:
                await connection.execute(self._prepare)
            except BaseException:
                connection.terminate()
                raise
        return connection

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Close what is idle; nothing may be lent."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CLOSE_SECONDS)
            except AWAY:
                connection.terminate()


def _words(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    state = getattr(error, "sqlstate", None)
    return f"{text} ({state})" if state else text
