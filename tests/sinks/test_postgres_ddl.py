"""Tables of streams that no migration knows: made, and widened, as their Record says."""

from dataclasses import replace

import asyncpg
import pytest
from made_up.streams.parcels import PARCELS_INSURED

from dataflow.sinks.postgres.migrate import migrate
from dataflow.sinks.postgres.tables import TABLES, tables_of

(PARCELS,) = tables_of({PARCELS_INSURED.name: PARCELS_INSURED})

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum
"""


@pytest.fixture
async def connection(database):
    """Return a connection to an empty database, in a transaction."""
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        yield connection
    await connection.close()


async def columns_of(connection: asyncpg.Connection, table: str) -> list[tuple[object, ...]]:
    """Return name, type, whether it is required, and meaning of every column."""
    return [tuple(row) for row in await connection.fetch(COLUMNS, table)]


async def test_a_table_is_made_with_the_meanings_of_its_columns(connection):
    """Who asks in SQL reads them there."""
    await migrate(connection, [PARCELS])
    expected = [
        ("topic", "text", True, None),
        ("partition", "integer", True, None),
        ("offset", "bigint", True, None),
        ("day", "date", True, None),
        ("ts", "timestamp with time zone", False, None),
        ("parcel_number", "text", True, "Number of the parcel, the carrier's own."),
        ("depot", "text", False, "Where it was scanned."),
        ("weight_kg", "double precision", False, "Weight, kg."),
        ("pieces", "bigint", False, "How many belong together."),
        ("is_insured", "boolean", False, "Whether its loss is paid for."),
    ]
    assert await columns_of(connection, "parcels") == expected
    await migrate(connection, [PARCELS])
    assert await columns_of(connection, "parcels") == expected


async def test_a_field_that_the_record_gains_becomes_a_column(connection):
    """Rows that are there have none, so it may be null."""
    before = dict(PARCELS.columns)
    del before["pieces"]
    await migrate(connection, [replace(PARCELS, columns=before)])
    await migrate(connection, [PARCELS])
    columns = await columns_of(connection, "parcels")
    assert ("pieces", "bigint", False, "How many belong together.") in columns


async def test_tables_of_the_migrations_stay_as_they_are(connection):
    """They have every column, with narrower types than a Record tells."""
    await migrate(connection, [])
    before = [await columns_of(connection, table.name) for table in TABLES]
    await migrate(connection)
    assert [await columns_of(connection, table.name) for table in TABLES] == before
