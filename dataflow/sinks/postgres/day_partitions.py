"""Day partitions: creates the partitions that a table needs, and drops expired ones."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

import asyncpg

from dataflow.logs import get_log
from dataflow.sinks.postgres.migrate import LOCK

log = get_log(__name__)

AHEAD_DAYS = 2  # so that no writer waits at midnight
DROP_WAIT = "5s"  # how long it waits for readers; the next attempt is an hour later

_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = $1::regclass
"""


def partition_name(table: str, day: date) -> str:
    """Return the name of a partition: ``web_logs_20150517``."""
    return f"{table}_{day:%Y%m%d}"


class DayPartitions:
    """The partitions of one table."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._known: set[date] = set()

    def forget(self) -> None:
        """Read the existing partitions again next time: one may have been dropped."""
        self._known.clear()

    async def ensure(self, connection: asyncpg.Connection, days: Iterable[date]) -> None:
        """Create the missing partitions of these days."""
        missing = sorted(set(days) - self._known)
        if not missing:
            return
        async with connection.transaction():
            # IF NOT EXISTS alone fails if two sessions create it at once.
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            existing = await _existing_days(connection, self.table)
            for day in missing:
                if day not in existing:
                    await connection.execute(self._create(day))
        self._known |= {*existing, *missing}

    def _create(self, day: date) -> str:
        # CREATE … PARTITION OF would wait for all readers of the table; ATTACH does not.
        name = partition_name(self.table, day)
        return (
            f"CREATE TABLE {name} (LIKE {self.table} INCLUDING ALL);"
            f"ALTER TABLE {self.table} ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )

    async def drop_before(self, connection: asyncpg.Connection, first_kept: date) -> None:
        """Drop the partitions of all earlier days."""
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await connection.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT}'")
            for day in sorted(await _existing_days(connection, self.table)):
                if day < first_kept:
                    await connection.execute(f"DROP TABLE {partition_name(self.table, day)}")
                    log.info("Day partition is expired; dropped.", table=self.table, day=day.isoformat())
        self.forget()


def ahead(today: date) -> Collection[date]:
    """Return the days whose partitions are created before they are needed."""
    return [today + timedelta(days=days) for days in range(AHEAD_DAYS + 1)]


async def _existing_days(connection: asyncpg.Connection, table: str) -> set[date]:
    names = [row["relname"] for row in await connection.fetch(_PARTITIONS, table)]
    suffixes = [name.removeprefix(f"{table}_") for name in names]
    # Partitions with other names are not ours.
    return {datetime.strptime(s, "%Y%m%d").date() for s in suffixes if len(s) == 8 and s.isdecimal()}  # noqa: DTZ007  # a day, no instant
