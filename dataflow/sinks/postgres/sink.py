"""PostgreSQL sink: stores the records of each topic as rows of one table."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import asyncpg

from dataflow import metrics
from dataflow.errors import Reason, SinkUnavailable
from dataflow.logs import get_log
from dataflow.sinks.contract import Rejection, Sink, SinkBatch, WriteResult, convert, rejection
from dataflow.sinks.origins import Origins
from dataflow.sinks.postgres.batch_size import BatchSize
from dataflow.sinks.postgres.connections import Connections, TooMuchAtOnce
from dataflow.sinks.postgres.day_partitions import DayPartitions, today
from dataflow.sinks.postgres.migrate import migrate
from dataflow.sinks.postgres.row_loader import Origin, RowLoader
from dataflow.sinks.postgres.rows import RecordRow, compile_rows
from dataflow.sinks.postgres.tables import TABLES, Table

log = get_log(__name__)

MAINTENANCE_SECONDS = 3_600.0  # between two runs that create and drop partitions
FROZEN_TRANSACTION = "10s"
"""PostgreSQL ends a transaction in which nothing happens for so long: a worker that is frozen in one
must not block the one that continues with its rows."""

LOCK_WAIT = "5s"
"""How long a transaction waits for a lock of another session: it holds one of few connections."""

FIRST_ID = "INSERT INTO dataflow_topics (topic, topic_id) VALUES ($1, $2) ON CONFLICT (topic) DO NOTHING"

MISSING = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.CheckViolationError,  # no partition for a row: there is no default one
)
"""Somebody has dropped what the sink has made: it is made again."""

EXPIRED = metrics.counter("dataflow_sink_postgres_expired_records_total")


class _Target:
    """One table, and what is needed to write to it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.row_of = compile_rows(table)
        self.loader = RowLoader(table)
        self.days = DayPartitions(table.name)
        self.size = BatchSize()
        self.expired = EXPIRED.labels(table.name)


class PostgresSink(Sink):
    """Stores each record as one row; the primary key is its origin, so a repeated write changes nothing."""

    name = "postgres"

    def __init__(self, url: str, retention_days: int | None = None) -> None:
        self._targets: Mapping[str, _Target] = {table.topic: _Target(table) for table in TABLES}
        self.topics = tuple(self._targets)
        self._retention_days = retention_days
        limits = {"idle_in_transaction_session_timeout": FROZEN_TRANSACTION, "lock_timeout": LOCK_WAIT}
        self._connections = Connections(url, limits)
        self._lacks_something = False
        self._maintenance: asyncio.Task[None] | None = None
        self._origins = Origins(self._first_id)

    async def open(self) -> None:
        """Migrate the schema, and maintain the partitions until closed."""
        await self._migrate()
        self._maintenance = asyncio.create_task(self._maintain_for_ever())

    async def _migrate(self) -> None:
        async with self._connections.transaction() as connection:
            await migrate(connection)
        self._lacks_something = False

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch, in one transaction unless that is too much for the server."""
        if self._maintenance is not None and self._maintenance.done():
            self._maintenance.result()  # raises what has ended it
        target = self._targets[batch.tp.topic]
        made, invalid = convert(batch.records, target.row_of)
        rows = self._without_expired(target, made)
        if not rows:
            return batch.stored(invalid)
        try:
            if self._lacks_something:
                await self._migrate()
            await target.days.ensure(self._connections, set(map(_day, rows)))
            origin = await self._origins.topic_of(batch), batch.tp.partition
            rejected = await self._load(target, origin, rows)
        except BaseException as error:
            target.days.forget()  # one may have been dropped
            self._lacks_something |= isinstance(error.__cause__, MISSING)
            raise
        return batch.stored([*invalid, *rejected])

    async def _first_id(self, topic: str, topic_id: str) -> str:
        """Return the id of the first topic of this name; it is this one if there was none."""
        async with self._connections.transaction() as connection:
            await connection.execute(FIRST_ID, topic, topic_id)
            known = await connection.fetchval("SELECT topic_id FROM dataflow_topics WHERE topic = $1", topic)
        return str(known)

    async def _load(self, target: _Target, origin: Origin, rows: Sequence[RecordRow]) -> list[Rejection]:
        """Load rows, in as many transactions as the server needs; raise if none passes."""
        rejected: list[Rejection] = []
        start, has_passed = 0, False
        while start < len(rows):
            part = rows[start : start + target.size.rows]
            try:
                async with self._connections.transaction() as connection:
                    refused = await target.loader.load(connection, origin, part)
            except TooMuchAtOnce as error:
                log.warning("Batch is too much for PostgreSQL; halving it.", rows=len(part), error=error)
                if len(part) == 1:
                    refused = await self._load_alone(target, origin, part)
                else:
                    may_go_on = has_passed or (error.is_cancelled and target.size.is_halved)
                    target.size.halve(len(part))
                    if not may_go_on:
                        raise
                    has_passed = False
                    continue
            rejected += refused
            start, has_passed = start + len(part), True
            target.size.passed(len(part))
        return rejected

    async def _load_alone(
        self, target: _Target, origin: Origin, rows: Sequence[RecordRow]
    ) -> list[Rejection]:
        """Load a row that was too much by itself; reject it if the server takes it without its values.

        Raises `TooMuchAtOnce` if not even that passes: then it is no fault of the row.
        """
        async with self._connections.transaction() as connection:
            await target.loader.try_bare(connection, origin, rows)
        try:
            async with self._connections.transaction() as connection:
                return await target.loader.load(connection, origin, rows)
        except TooMuchAtOnce as error:
            return [rejection(rows[0][0], f"table {target.table.name}: {error}", Reason.TOO_LARGE)]

    def _without_expired(self, target: _Target, rows: Sequence[RecordRow]) -> Sequence[RecordRow]:
        first_kept = self._first_kept()
        if first_kept is None:
            return rows
        kept = [row for row in rows if _day(row) >= first_kept]
        target.expired.inc(len(rows) - len(kept))
        return kept

    def _first_kept(self) -> date | None:
        days = self._retention_days
        return None if days is None else today() - timedelta(days=days)

    async def _maintain_for_ever(self) -> None:
        while True:
            for target in self._targets.values():
                try:
                    await target.days.maintain(self._connections, self._first_kept())
                except SinkUnavailable as error:  # for example, a long query reads an expired day
                    log.warning(
                        "Day partitions cannot be maintained; retrying in an hour.",
                        table=target.table.name, error=error,
                    )  # fmt: skip
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def close(self) -> None:
        """Disconnect."""
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        await self._connections.close()


def _day(row: RecordRow) -> date:
    day = row[1][1]
    assert isinstance(day, date)
    return day
