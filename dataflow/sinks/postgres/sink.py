"""PostgreSQL sink: stores the records of each topic as rows of one table."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from prometheus_client import Counter

from dataflow.errors import SinkUnavailable
from dataflow.logs import get_log
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, convert
from dataflow.sinks.postgres.connections import Connections
from dataflow.sinks.postgres.day_partitions import DayPartitions, ahead
from dataflow.sinks.postgres.migrate import migrate
from dataflow.sinks.postgres.row_loader import RowLoader
from dataflow.sinks.postgres.rows import RecordRow, compile_rows
from dataflow.sinks.postgres.tables import TABLES, Table

log = get_log(__name__)

MAINTENANCE_SECONDS = 3_600.0  # between two runs that create and drop partitions
NO_FROZEN_TRANSACTION = "SET idle_in_transaction_session_timeout = '10s'"
"""A worker that is frozen in a transaction must not block the one that continues with its rows."""

EXPIRED = Counter(
    "dataflow_sink_postgres_expired_records",
    "Records not stored: their day is past its retention.",
    ["table"],
)


class _Target:
    """One table, and what is needed to write to it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.row_of = compile_rows(table)
        self.loader = RowLoader(table)
        self.days = DayPartitions(table.name)
        self.expired = EXPIRED.labels(table.name)


class PostgresSink(Sink):
    """Stores each record as one row; the primary key is its origin, so a repeated write changes nothing."""

    name = "postgres"

    def __init__(self, url: str, retention_days: int | None = None) -> None:
        self._targets: Mapping[str, _Target] = {table.topic: _Target(table) for table in TABLES}
        self.topics = tuple(self._targets)
        self._retention_days = retention_days
        self._migrating = Connections(url)
        staging = [target.loader.prepare for target in self._targets.values()]
        self._connections = Connections(url, [NO_FROZEN_TRANSACTION, *staging])
        self._maintenance: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Migrate the schema, and maintain the partitions until closed."""
        async with self._migrating.lend() as connection:
            await migrate(connection)
        await self._migrating.close()
        self._maintenance = asyncio.create_task(self._maintain_for_ever())

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch in one transaction."""
        if self._maintenance is not None and self._maintenance.done():
            self._maintenance.result()  # raises what has ended it
        target = self._targets[batch.tp.topic]
        made, invalid = convert(batch.records, target.row_of)
        rows = self._without_expired(target, made)
        if not rows:
            return batch.stored(invalid)
        async with self._connections.lend() as connection:
            await target.days.ensure(connection, set(map(_day, rows)))
            try:
                rejected = await target.loader.load(connection, batch.tp.partition, rows)
            except BaseException:
                target.days.forget()  # one may have been dropped
                raise
        return batch.stored([*invalid, *rejected])

    def _without_expired(self, target: _Target, rows: Sequence[RecordRow]) -> Sequence[RecordRow]:
        first_kept = self._first_kept()
        if first_kept is None:
            return rows
        kept = [row for row in rows if _day(row) >= first_kept]
        target.expired.inc(len(rows) - len(kept))
        return kept

    def _first_kept(self) -> date | None:
        days = self._retention_days
        return None if days is None else _today() - timedelta(days=days)

    async def _maintain_for_ever(self) -> None:
        while True:
            first_kept = self._first_kept()
            try:
                async with self._connections.lend() as connection:
                    for target in self._targets.values():
                        await target.days.ensure(connection, ahead(_today()))
                        if first_kept is not None:
                            await target.days.drop_before(connection, first_kept)
            except SinkUnavailable as error:  # for example, a long query reads an expired day
                log.warning("Day partitions cannot be maintained; retrying in an hour.", error=error)
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def close(self) -> None:
        """Disconnect."""
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        await self._connections.close()
        await self._migrating.close()


def _today() -> date:
    return datetime.now(UTC).date()


def _day(row: RecordRow) -> date:
    day = row[1][1]
    assert isinstance(day, date)
    return day
