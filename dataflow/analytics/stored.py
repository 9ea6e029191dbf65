"""Stored requests: asks PostgreSQL, with a deadline; nothing is written."""

import asyncio
from collections.abc import Sequence

import asyncpg
from mode import Service

from dataflow.analytics.question import Row, Statement
from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres.connections import Connections

HEADROOM_SECONDS = 0.5
"""So much later than the server a worker gives up: the server says it better, if it still says something."""


class StoredRequests(Service):
    """What the PostgreSQL sink has stored; connects when it is first asked, and disconnects when it stops."""

    def __init__(self, url: str, deadline_ms: int) -> None:
        super().__init__()
        self._deadline_ms = deadline_ms
        self._connections = Connections(
            url,
            {"statement_timeout": str(deadline_ms)},  # also ends what its worker can no longer cancel
            name="dataflow-analytics",
            is_read_only=True,
        )

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        """Return all rows; raise `SinkUnavailable` after the deadline, and for a fault of the server."""
        text, parameters = statement
        try:
            seconds = self._deadline_ms / 1000 + HEADROOM_SECONDS
            async with asyncio.timeout(seconds), self._connections.transaction() as connection:
                try:
                    rows: Sequence[Row] = await connection.fetch(text, *parameters)
                except asyncpg.QueryCanceledError as error:
                    raise self._too_slow() from error
                return rows
        except TimeoutError:
            raise self._too_slow() from None

    def _too_slow(self) -> SinkUnavailable:
        return SinkUnavailable(
            f"PostgreSQL has not answered within {self._deadline_ms} ms, and the query is cancelled; "
            "expected a shorter range, or more time (DATAFLOW_ANALYTICS_DEADLINE_MS)"
        )

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._connections.close()
