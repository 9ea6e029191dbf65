"""Day partitions: creates the partitions that a table needs, and drops expired ones."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import asyncpg

from dataflow.logs import get_log
from dataflow.sinks.postgres.connections import Connections
from dataflow.sinks.postgres.migrate import DEFAULT_PARTITION, LOCK
from dataflow.sinks.postgres.partition_choice import ahead, days_to_create, days_to_join

log = get_log(__name__)

DROP_WAIT = "5s"  # how long it waits for readers; the next attempt is an hour later
ATTACH_WAIT = "1s"  # readers of the default partition hold up a new one; others wait behind us
DELETED_AT_ONCE = 10_000
NOT_NOW = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.OutOfMemoryError,  # 53200: others hold as many locks as there are, and a partition needs some
    asyncpg.InsufficientPrivilegeError,  # 42501: the role may insert rows, and make no tables
    asyncpg.DuplicateTableError,  # 42P07: somebody has detached the partition, and kept it
)
"""No row has to wait for that: the default partition takes it."""

_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = $1::regclass
"""
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
"""


_DAY = re.compile(r"[0-9]{8}")


def partition_name(table: str, day: date) -> str:
    """Return the name of a partition: ``web_logs_20150517``."""
    return f"{table}_{day:%Y%m%d}"


def day_of_partition(table: str, name: str) -> date | None:
    """Return the day that a partition has its name from; None for another name, which is not of ours."""
    suffix = name.removeprefix(f"{table}_")
    try:
        return date.fromisoformat(suffix) if _DAY.fullmatch(suffix) else None
    except ValueError:
        return None


class DayPartitions:
    """The partitions of one table. Each is made in a transaction of its own.

    Rows of a day without one are in the default partition. So no row waits for a partition, however
    many days a batch has, and whoever reads the table.
    """

    def __init__(self, table: str) -> None:
        self.table = table
        self._known_days: set[date] = set()
        self._told: type[Exception] | None = None  # why the last partition could not be made

    def forget(self) -> None:
        """Look at the existing partitions again next time: one may have been dropped."""
        self._known_days.clear()

    async def ensure(self, connections: Connections, days: Iterable[date]) -> None:
        """Create those partitions of these days that are missing and worth it."""
        missing = set(days) - self._known_days
        if not missing:
            return
        async with connections.transaction() as connection:
            existing = await _existing_days(connection, self.table)
        await self._create_all(connections, days_to_create(missing - existing, len(existing), today()))
        self._known_days |= existing | missing

    async def maintain(self, connections: Connections, first_kept: date | None) -> None:
        """Create the next days, drop expired ones, and move days out of the default partition."""
        self.forget()
        await self.ensure(connections, ahead(today()))
        if first_kept is not None:
            await self._drop_before(connections, first_kept)
        await self._join(connections)
        self.forget()

    async def _create_all(self, connections: Connections, days: Iterable[date]) -> None:
        """Create partitions one by one; leave the rest as soon as one takes long."""
        for day in days:
            if not await self._create(connections, day):
                return

    async def _create(self, connections: Connections, day: date) -> bool:
        """Create a partition, and move the rows of its day there; return false if it cannot be made now."""
        name = partition_name(self.table, day)
        async with connections.transaction() as connection:
            try:
                # IF NOT EXISTS alone fails if two sessions create it at once.
                await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                if day in await _existing_days(connection, self.table):
                    return True
                await connection.execute(f"CREATE TABLE {name} (LIKE {self.table} INCLUDING ALL)")
                await self._fill(connection, name, day)
                # CREATE … PARTITION OF would wait for all readers of the table; ATTACH waits for
                # those of the default partition only.
                await connection.execute(
                    f"ALTER TABLE {self.table} ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                )
            except NOT_NOW as error:
                # The commit of a failed transaction is a rollback.
                if type(error) is not self._told:  # else each day of a batch would say it again
                    log.warning(
                        "Day partition is not made now; its rows go to the default partition.",
                        table=self.table, day=day.isoformat(), error=error,
                    )  # fmt: skip
                self._told = type(error)
                return False
        self._told = None
        return True

    async def _fill(self, connection: asyncpg.Connection, name: str, day: date) -> None:
        default = await connection.fetchval(DEFAULT_PARTITION, self.table)
        if default is None:
            return
        await connection.execute(
            f"SET LOCAL lock_timeout = '{ATTACH_WAIT}'; "
            f"LOCK TABLE ONLY {self.table} IN SHARE UPDATE EXCLUSIVE MODE; LOCK TABLE {default}"
        )
        columns = await connection.fetchval(_COLUMNS, self.table)
        await connection.execute(
            f"WITH moved AS (DELETE FROM {default} WHERE day = '{day}' RETURNING {columns}) "  # noqa: S608  # our own names
            f"INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"
        )

    async def _drop_before(self, connections: Connections, first_kept: date) -> None:
        async with connections.transaction() as connection:
            expired = [d for d in await _existing_days(connection, self.table) if d < first_kept]
            default = await connection.fetchval(DEFAULT_PARTITION, self.table)
        for day in sorted(expired):
            async with connections.transaction() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                await connection.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT}'")
                await connection.execute(f"DROP TABLE IF EXISTS {partition_name(self.table, day)}")
            log.info("Day partition is expired; dropped.", table=self.table, day=day.isoformat())
        deleted = DELETED_AT_ONCE if default else 0
        while deleted == DELETED_AT_ONCE:
            async with connections.transaction() as connection:
                done = await connection.execute(
                    f"DELETE FROM {default} WHERE ctid = ANY(ARRAY("  # noqa: S608  # our own names
                    f"SELECT ctid FROM {default} WHERE day < $1 LIMIT {DELETED_AT_ONCE}))",
                    first_kept,
                )
            deleted = int(done.removeprefix("DELETE "))

    async def _join(self, connections: Connections) -> None:
        async with connections.transaction() as connection:
            existing = await _existing_days(connection, self.table)
            default = await connection.fetchval(DEFAULT_PARTITION, self.table)
            counted = f"SELECT day, count(*) FROM {default} GROUP BY day"  # noqa: S608  # our own names
            rows = dict(map(tuple, await connection.fetch(counted))) if default else {}
        await self._create_all(connections, days_to_join(rows, len(existing), today()))


def today() -> date:
    """Return the day that it is, UTC."""
    return datetime.now(UTC).date()


async def _existing_days(connection: asyncpg.Connection, table: str) -> set[date]:
    names = [row["relname"] for row in await connection.fetch(_PARTITIONS, table)]
    return {day for day in (day_of_partition(table, name) for name in names) if day is not None}
