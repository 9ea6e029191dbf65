"""Connections to PostgreSQL: a small pool; a connection that has failed is closed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from urllib.parse import urlsplit

import asyncpg

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres.certificates import context_of
from dataflow.sinks.postgres.error_words import words_of

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

TOO_MUCH = (
    asyncpg.QueryCanceledError,  # statement_timeout, of the role or of the database
    asyncpg.OutOfMemoryError,  # no room for more locks: each partition and each index takes one
    TimeoutError,  # ours
)


class TooMuchAtOnce(SinkUnavailable):
    """The server has cancelled or not finished a transaction; a smaller one may pass."""

    @property
    def is_cancelled(self) -> bool:
        """Tell whether the server itself says so, and may be asked again at once."""
        return isinstance(self.__cause__, asyncpg.QueryCanceledError)


class Connections:
    """Lends connections for a transaction each; nothing of a session is relied upon.

    So a pooler may stand in between that gives every transaction another connection of the server
    (pgbouncer, transaction pooling): no named prepared statements, no settings of the session, no
    temporary tables that outlive a transaction. A connection that has failed is terminated: a
    rollback on an unavailable server would never end, and a running server rolls back by itself.
    """

    def __init__(
        self,
        url: str,
        settings: Mapping[str, str] = MappingProxyType({}),
        *,
        name: str = "dataflow",
        is_read_only: bool = False,
    ) -> None:
        self._url = url
        self._tls = context_of(url)
        self._address = urlsplit(url).netloc.rpartition("@")[2]  # without the password
        self._server_settings = {"application_name": name}  # the only one that poolers take
        begin = "BEGIN READ ONLY" if is_read_only else "BEGIN"
        self._begin = "; ".join([begin, *(f"SET LOCAL {key} = '{value}'" for key, value in settings.items())])
        self._idle: list[asyncpg.Connection] = []
        self._free = asyncio.Semaphore(MOST)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection in a transaction, for up to a minute; commit at the end.

        Raises `SinkUnavailable` for its errors, `TooMuchAtOnce` where less may help.
        """
        async with self._lend() as connection:
            await connection.execute(self._begin)
            yield connection
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._free:
            connection = None
            try:
                async with asyncio.timeout(WORK_SECONDS):
                    connection = self._take() or await self._connect()
                    yield connection
                self._idle.append(connection)
            except UNAVAILABLE as error:
                if connection is not None:  # a new one may be refused while the others work
                    self._terminate_idle()
                is_too_much = connection is not None and isinstance(error, TOO_MUCH)
                kind = TooMuchAtOnce if is_too_much else SinkUnavailable
                raise kind(f"PostgreSQL at {self._address}: {words_of(error)}") from error
            finally:
                if connection is not None and connection not in self._idle:
                    connection.terminate()

    def _terminate_idle(self) -> None:
        """End those that the same fault has probably broken, too."""
        while self._idle:
            self._idle.pop().terminate()

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            ssl=self._tls,
            timeout=CONNECT_SECONDS,
            server_settings=self._server_settings,
            statement_cache_size=0,  # statements with names
        )

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
