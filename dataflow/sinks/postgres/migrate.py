"""Migrations: numbered SQL files, each applied once; then tables and columns derived from Records."""

from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files
from types import MappingProxyType

import asyncpg

from dataflow.catalogue.topic import fields_of, meanings_of
from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.sinks.postgres.tables import TABLES, Table

log = get_log(__name__)

LOCK = 0x64617461666C6F77  # "dataflow"; held for all our changes of the schema

_ALL_CHARACTERS = ("UTF8", "SQL_ASCII")  # the latter stores the bytes as they come

_DONE = """
CREATE TABLE IF NOT EXISTS dataflow_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

DEFAULT_PARTITION = (
    "SELECT partdefid::regclass::text FROM pg_partitioned_table "
    "WHERE partrelid = to_regclass($1) AND partdefid <> 0"
)


def migrations() -> dict[int, tuple[str, str]]:
    """Return name and SQL of every migration by its number, in order."""
    by_number = {
        int(file.name.split("_")[0]): (file.name, file.read_text("utf-8"))
        for file in files(__package__).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    }
    return dict(sorted(by_number.items()))


async def migrate(connection: asyncpg.Connection, tables: Collection[Table] = TABLES) -> None:
    """Apply what is missing, in the transaction of the connection; workers that start at once wait.

    Tables of streams that came later need no migration: they are made as their Record is. A
    database that knows later migrations, of a newer release, is left as it is.
    """
    _check_encoding(connection)
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
    await make_default_partitions(connection, tables)


def _check_encoding(connection: asyncpg.Connection) -> None:
    encoding = connection.get_settings().server_encoding
    if encoding not in _ALL_CHARACTERS:
        log.warning(
            "Database lacks characters that UTF-8 has; events with one become dead letters.",
            encoding=encoding,
        )


_TYPES: Mapping[frozenset[object], str] = MappingProxyType(
    {
        frozenset([str]): "text",
        frozenset([bool]): "boolean",
        frozenset([int]): "bigint",
        frozenset([float]): "double precision",
        frozenset([int, float]): "double precision",
        frozenset([str, int]): "double precision",  # numbers that are sent as text
        frozenset([str, float]): "double precision",
        frozenset([str, int, float]): "double precision",
    }
)
_COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
)


async def make_missing(connection: asyncpg.Connection, tables: Iterable[Table]) -> None:
    """Make the tables that are declared and missing, and the columns of fields that a Record has gained."""
    for table in tables:
        known = {row["attname"] for row in await connection.fetch(_COLUMNS, table.name)}
        missing = [column for column in table.columns if column not in known]
        if not known:
            await connection.execute(create_table(table))
        elif missing:
            added = (f'ADD COLUMN "{column}" {_type_of(table, column)}' for column in missing)
            await connection.execute(f"ALTER TABLE {table.name} {', '.join(added)}")
        if missing:
            await connection.execute("; ".join(_comments(table, missing)))


async def make_default_partitions(connection: asyncpg.Connection, tables: Iterable[Table]) -> None:
    """Make the default partition of the tables that have none, as those of earlier releases."""
    for table in tables:
        name = table.name
        if await connection.fetchval(DEFAULT_PARTITION, name) is None:
            await connection.execute(
                f"CREATE TABLE {name}_default (LIKE {name} INCLUDING ALL); "
                f"CREATE INDEX {name}_default_day ON {name}_default (day); "
                f"ALTER TABLE {name} ATTACH PARTITION {name}_default DEFAULT"
            )


def create_table(table: Table) -> str:
    """Return the statements that make a table like those of the migrations, and its index by time."""
    fields = fields_of(table.record)
    own = [
        f'"{column}" {_type_of(table, column)}{"" if fields[name].is_optional else " NOT NULL"}'
        for column, name in table.columns.items()
    ]
    columns = [
        "topic text NOT NULL",
        "partition integer NOT NULL",
        '"offset" bigint NOT NULL',
        "day date NOT NULL",
        "ts timestamptz",
        *own,
        'PRIMARY KEY (partition, "offset", topic, day)',
    ]
    body = ",\n    ".join(columns)
    return (
        f"CREATE TABLE {table.name} (\n    {body}\n) PARTITION BY RANGE (day);\n"
        f"CREATE INDEX {table.name}_ts ON {table.name} USING brin (ts)"
    )


def _type_of(table: Table, column: str) -> str:
    name = table.columns[column]
    kind = _TYPES.get(fields_of(table.record)[name].types)
    if kind is None:
        raise Misconfigured(
            f"field {name} of {table.record.__name__} is no scalar; expected table {table.name} without it"
        )
    return kind


def _comments(table: Table, columns: Iterable[str]) -> Iterable[str]:
    meanings = meanings_of(table.record)
    for column in columns:
        meaning = meanings.get(table.columns[column], "").replace("'", "''")
        yield f"COMMENT ON COLUMN {table.name}.\"{column}\" IS '{meaning}'"
