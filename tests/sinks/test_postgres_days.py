"""PostgreSQL and days: very many of them, far ones, and those of databases that earlier releases made."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from sinks.postgres_batches import ACCESS_LOGS_PARSED, a_batch, a_booking, a_request, stop_maintenance
from sinks.postgres_server import PostgresServer

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres import day_partitions, partition_choice
from dataflow.sinks.postgres.migrate import migrate
from dataflow.sinks.postgres.sink import PostgresSink
from dataflow.sinks.postgres.tables import TABLES

pytestmark = pytest.mark.long

BOOKINGS = "expedia_ext"
DAYS = 5_100  # the locks of as many partitions are more than a server has
LEFT = "Day partition is not made now; its rows go to the default partition."
PLACES = """
SELECT tableoid::regclass::text, count(*) FROM web_logs GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
async def connection(database):
    """Return a connection to an empty database."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def sink(database):
    """Return an open sink on that database, whose maintenance is run by the test."""
    sink = PostgresSink(database)
    await sink.open()
    await stop_maintenance(sink)
    yield sink
    await sink.close()


async def places(connection: asyncpg.Connection) -> dict[str, int]:
    """Return how many rows each partition of the access logs has."""
    return dict(map(tuple, await connection.fetch(PLACES)))


async def maintain(sink: PostgresSink, first_kept: date | None = None) -> None:
    """Do what a worker does once an hour."""
    await sink._targets[ACCESS_LOGS_PARSED].days.maintain(sink._connections, first_kept)


async def test_bookings_of_thousands_of_days_go_in_at_once_and_once(sink, connection):
    """A partition each in one transaction ended in "out of shared memory", for ever."""
    first = datetime(2009, 1, 1, tzinfo=UTC)
    days = [f"{first + timedelta(days=number):%Y-%m-%d} 07:46:59" for number in range(DAYS)]
    batch = a_batch(BOOKINGS, *(a_booking(date_time=day) for day in days))
    assert (await sink.write(batch)).rejected == []
    assert (await sink.write(batch)).end == DAYS
    assert await connection.fetchval("SELECT count(DISTINCT day) FROM stays") == DAYS
    assert await connection.fetchval("SELECT count(*) FROM stays") == DAYS
    assert await connection.fetchval("SELECT count(*) FROM stays_default") > DAYS - 100


async def test_bookings_that_come_a_few_days_at_a_time_end_in_a_bounded_number_of_partitions(
    sink, connection, monkeypatch
):
    """Each is whole as long as there is room; the rest is in the default partition, each row once."""
    monkeypatch.setattr(partition_choice, "MOST_PARTITIONS", 20)
    for first in range(0, 40, 10):
        stamps = [f"2015-{1 + n // 28:02}-{1 + n % 28:02}T10:00:00Z" for n in range(first, first + 10)]
        batch = a_batch(ACCESS_LOGS_PARSED, *(a_request(ts=ts) for ts in stamps), first=first)
        for _ in range(2):
            await sink.write(batch)
    found = await places(connection)
    assert found.pop("web_logs_default") == 20
    assert list(found.values()) == [1] * 20


async def test_days_with_many_rows_and_near_days_leave_the_default_partition(sink, connection, monkeypatch):
    """Rows move in one transaction, so that a repetition still adds nothing."""
    monkeypatch.setattr(partition_choice, "FAR_AT_ONCE", 0)
    monkeypatch.setattr(partition_choice, "WORTH_ROWS", 3)
    near = datetime.now(UTC)
    await connection.execute(f"DROP TABLE IF EXISTS web_logs_{near:%Y%m%d}")
    sink._targets[ACCESS_LOGS_PARSED].days._known_days.add(near.date())
    values = [a_request(), a_request(ts=near.isoformat()), *[a_request(ts="2015-05-18T00:00:00Z")] * 3]
    batch = a_batch(ACCESS_LOGS_PARSED, *values)
    await sink.write(batch)
    assert await places(connection) == {"web_logs_default": 5}
    await maintain(sink)
    moved = {"web_logs_20150518": 3, f"web_logs_{near:%Y%m%d}": 1, "web_logs_default": 1}
    assert await places(connection) == moved
    await sink.write(batch)
    assert await places(connection) == moved


async def test_rows_of_the_default_partition_expire_as_all_others(sink, connection, monkeypatch):
    """Bit by bit, so that no transaction is too long; what is kept stays."""
    monkeypatch.setattr(partition_choice, "FAR_AT_ONCE", 0)
    monkeypatch.setattr(day_partitions, "DELETED_AT_ONCE", 4)
    values = [a_request(ts=f"2015-05-{day:02}T00:00:00Z") for day in range(1, 31)]
    await sink.write(a_batch(ACCESS_LOGS_PARSED, *values))
    await maintain(sink, date(2015, 5, 28))
    assert await connection.fetchval("SELECT array_agg(DISTINCT day::text) FROM web_logs") == [
        "2015-05-28", "2015-05-29", "2015-05-30",
    ]  # fmt: skip


async def test_a_reader_of_everything_delays_a_new_day_and_no_row(sink, connection, monkeypatch, caplog):
    """To attach a partition needs a lock on the default one; who waits for it makes all others wait."""
    monkeypatch.setattr(day_partitions, "ATTACH_WAIT", "50ms")
    caplog.set_level("INFO")
    async with connection.transaction():
        await connection.fetch("SELECT * FROM web_logs")
        values = [a_request(ts=f"2015-05-{day:02}T00:00:00Z") for day in range(1, 11)]
        await sink.write(a_batch(ACCESS_LOGS_PARSED, *values))
        await sink.write(a_batch(ACCESS_LOGS_PARSED, values[2], first=10))
    assert await places(connection) == {"web_logs_default": 11}
    assert sum(LEFT in log.getMessage() for log in caplog.records) == 1  # for the first of ten days alone


async def test_a_database_of_an_earlier_release_gets_its_default_partitions(database, connection):
    """Its partitions and rows stay, and days beyond them go in."""
    async with connection.transaction():
        await migrate(connection)
        for table in TABLES:
            await connection.execute(f"DROP TABLE {table.name}_default")
        await connection.execute(
            "CREATE TABLE web_logs_20150517 PARTITION OF web_logs "
            "FOR VALUES FROM ('2015-05-17') TO ('2015-05-18'); "
            f'INSERT INTO web_logs (topic, partition, "offset", day) '
            f"VALUES ('{ACCESS_LOGS_PARSED}', 3, 0, '2015-05-17')"
        )
    sink = PostgresSink(database)
    await sink.open()
    far = [a_request(ts=f"2014-{1 + n // 28:02}-{1 + n % 28:02}T00:00:00Z") for n in range(200)]
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(), *far))
    await sink.close()
    assert await places(connection) == {"web_logs_20150517": 1, "web_logs_default": 200}
    defaults = "SELECT count(*) FROM pg_partitioned_table WHERE partdefid <> 0"
    assert await connection.fetchval(defaults) == len(TABLES)


async def restart_with(server: PostgresServer, *settings: str) -> None:
    """Start a server again with other settings than before."""
    connection = await asyncpg.connect(server.url)
    for setting in ("RESET ALL", *(f"SET {setting}" for setting in settings)):
        await connection.execute(f"ALTER SYSTEM {setting}")
    await connection.close()
    server.kill()
    server.start()


async def test_a_batch_that_needs_more_locks_than_there_are_is_halved(own_postgres, monkeypatch):
    """Each partition and each of its indexes takes one: "out of shared memory" was for ever."""
    monkeypatch.setattr(partition_choice, "FAR_AT_ONCE", 1_000)
    few = ("max_locks_per_transaction = 10", "max_connections = 15", "max_wal_senders = 0")
    await restart_with(own_postgres, *few)
    sink = PostgresSink(own_postgres.url)
    await sink.open()
    await stop_maintenance(sink)
    values = [a_request(ts=f"2015-{1 + n // 28:02}-{1 + n % 28:02}T10:00:00Z") for n in range(330)]
    batch = a_batch(ACCESS_LOGS_PARSED, *values)
    errors: list[str] = []
    while len(errors) < 8:
        try:
            await sink.write(batch)
            break
        except SinkUnavailable as error:
            errors.append(str(error))
    await sink.close()
    assert 1 <= len(errors) < 8
    assert all("(53200)" in error for error in errors)
    await restart_with(own_postgres)  # nobody can even count with so few
    connection = await asyncpg.connect(own_postgres.url)
    found = await places(connection)
    assert len(found) == sum(found.values()) == 330
    await connection.close()


async def test_a_day_for_which_there_are_no_locks_goes_to_the_default_partition(own_postgres):
    """A partition takes more of them than a row: while others held them, no row of a new day went in."""
    few = ("max_locks_per_transaction = 10", "max_connections = 15", "max_wal_senders = 0")
    await restart_with(own_postgres, *few)
    sink = PostgresSink(own_postgres.url)
    await sink.open()
    await stop_maintenance(sink)
    greedy = await asyncpg.connect(own_postgres.url)
    with pytest.raises(asyncpg.OutOfMemoryError):
        await greedy.execute("SELECT pg_advisory_lock(n) FROM generate_series(1, 1000000) AS n")
    batch, given_back, is_stored = a_batch(ACCESS_LOGS_PARSED, a_request()), 0, False
    while not is_stored:
        given_back += 1
        await greedy.execute(f"SELECT pg_advisory_unlock({given_back})")
        try:
            is_stored = (await sink.write(batch)).rejected == []
        except SinkUnavailable as error:
            assert "(53200)" in str(error)  # noqa: PT017  # there are not even those for a row
    await greedy.close()
    await sink.close()
    connection = await asyncpg.connect(own_postgres.url)
    assert await places(connection) == {"web_logs_default": 1}
    await connection.close()


async def test_a_role_that_may_make_no_tables_stores_every_row(own_postgres, caplog):
    """Somebody has taken the right away: today's rows must not wait until it is given back."""
    owner = await asyncpg.connect(own_postgres.url)
    sink = PostgresSink(own_postgres.url)
    await sink.open()
    await sink.close()
    await owner.execute(
        "CREATE ROLE guest LOGIN; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO guest;"
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    )
    guest = PostgresSink(own_postgres.url.replace("postgres@", "guest@"))
    for first in range(3):  # a day each: a warning for every one of them would bury all others
        day = f"2015-05-{17 + first}T00:00:00Z"
        await guest.write(a_batch(ACCESS_LOGS_PARSED, a_request(ts=day), first=first))
    await guest.close()
    assert await places(owner) == {"web_logs_default": 3}
    assert sum(LEFT in log.getMessage() for log in caplog.records) == 1
    await owner.close()
