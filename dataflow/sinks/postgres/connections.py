"""Connections to PostgreSQL: a small pool; a connection that has failed is closed."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from dataflow.errors import SinkUnavailable

MOST = 4  # at once; further partitions wait
CONNECT_SECONDS = 10.0
WORK_SECONDS = 60.0
CLOSE_SECONDS = 2.0

UNAVAILABLE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has died while the connection was idle
    OSError,
)
"""Faults of the server, the network or the schema: they end by themselves or by a person; no row is lost."""


class Connections:
    """Lends connections, each with the temporary tables of `prepare`.

    A connection that has failed is terminated: a rollback on an unavailable server would never
    end, and a running server rolls back by itself.
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
        """Lend one connection, for up to a minute; raise `SinkUnavailable` for its errors."""
        async with self._free:
            connection = None
            try:
                async with asyncio.timeout(WORK_SECONDS):
                    connection = self._take()
                    if connection is None:
                        connection = await asyncpg.connect(
                            self._url, timeout=CONNECT_SECONDS, server_settings=self._server_settings
                        )
                        if self._prepare:
                            await connection.execute(self._prepare)
                    yield connection
                self._idle.append(connection)
            except UNAVAILABLE as error:
                while self._idle:  # the same fault has probably broken all
                    self._idle.pop().terminate()
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

    async def close(self) -> None:
        """Close idle connections; none may be lent."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CLOSE_SECONDS)
            except UNAVAILABLE:
                connection.terminate()


def _words(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    state = getattr(error, "sqlstate", None)
    return f"{text} ({state})" if state else text
