"""Migrations: numbered SQL files, each applied once to a database."""

from collections.abc import Iterable
from importlib.resources import files

import asyncpg

from dataflow.logs import get_log
from dataflow.sinks.postgres.ddl import make_missing
from dataflow.sinks.postgres.tables import TABLES, Table

log = get_log(__name__)

LOCK = 0x64617461666C6F77  # "dataflow"; held for all our changes of the schema

_DONE = """
CREATE TABLE IF NOT EXISTS dataflow_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrations() -> dict[int, tuple[str, str]]:
    """Return name and SQL of every migration by its number, in order."""
    by_number = {
        int(file.name.split("_")[0]): (file.name, file.read_text("utf-8"))
        for file in files(__package__).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    }
    return dict(sorted(by_number.items()))


async def migrate(connection: asyncpg.Connection, tables: Iterable[Table] = TABLES) -> None:
    """Apply what is missing, all or nothing; workers that start at once wait for one another.

    Tables of streams that came later need no migration: they are made as their Record is. A
    database that knows later migrations, of a newer release, is left as it is.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(_DONE)
        done = {row["number"] for row in await connection.fetch("SELECT number FROM dataflow_migrations")}
        for number, (name, statements) in migrations().items():
            if number not in done:
                await connection.execute(statements)
                await connection.execute(
                    "INSERT INTO dataflow_migrations (number, name) VALUES ($1, $2)", number, name
                )
                log.info("PostgreSQL is migrated.", migration=name)
        await make_missing(connection, tables)
