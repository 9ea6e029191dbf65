"""DDL of tables and columns that no migration has made: derived from the Record of their topic."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import asyncpg

from dataflow.catalogue.fields import fields_of, meanings_of
from dataflow.errors import Misconfigured
from dataflow.sinks.postgres.tables import Table

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
            await connection.execute("; ".join(_add_column(table, column) for column in missing))
        if missing:
            await connection.execute("; ".join(_comments(table, missing)))


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


def _add_column(table: Table, column: str) -> str:
    return f'ALTER TABLE {table.name} ADD COLUMN "{column}" {_type_of(table, column)}'


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
