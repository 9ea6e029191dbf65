"""PostgreSQL behind a pooler, and a server that cancels what takes long."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from sinks.pooler import NO_PGBOUNCER, PGBOUNCER, pgbouncer
from sinks.postgres_batches import ACCESS_LOGS_PARSED, a_batch, a_request, stop_maintenance
from sinks.postgres_server import PostgresServer

from dataflow.analytics.stored import StoredRequests
from dataflow.errors import Reason, SinkUnavailable
from dataflow.sinks.postgres.sink import PostgresSink

pytestmark = pytest.mark.long

SLOW_ROWS = """
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON web_logs FOR EACH ROW EXECUTE FUNCTION take_time();
"""
TIMEOUT_MS = 200  # for less than a hundred of such rows


@pytest.fixture
def pooled(postgres_server: PostgresServer, database: str) -> Iterator[str]:
    """Return the URL of an empty database behind pgbouncer."""
    if not PGBOUNCER:
        pytest.skip(NO_PGBOUNCER)
    with pgbouncer(postgres_server) as port:
        yield database.replace(f":{postgres_server.port}/", f":{port}/")


async def test_workers_behind_a_transaction_pooler_store_every_row_once(pooled, database):
    """It gives each transaction another connection of the server: what a session has is not ours."""
    sinks = [PostgresSink(pooled, retention_days=100_000) for _ in range(2)]
    await asyncio.gather(*(sink.open() for sink in sinks))
    lines = [a_request(endpoint=f"/{number}", ts="2015-05-17T10:05:03Z") for number in range(50)]
    lines[7]["endpoint"] = "/a\x00b"  # refused, on the way of halves
    for first in range(0, 500, 50):
        batches = [a_batch(ACCESS_LOGS_PARSED, *lines, first=first, partition=part) for part in range(8)]
        for _ in range(2):
            stored = await asyncio.gather(
                *(sinks[part % 2].write(batch) for part, batch in enumerate(batches))
            )
            assert [len(result.rejected) for result in stored] == [1] * 8
    await asyncio.gather(*(sink.close() for sink in sinks))
    connection = await asyncpg.connect(database)
    counted = 'SELECT count(*), count(DISTINCT (partition, "offset")) FROM web_logs'
    assert tuple(await connection.fetchrow(counted)) == (8 * 490, 8 * 490)
    await connection.close()


async def test_questions_behind_a_pooler_are_answered_with_a_deadline_and_write_nothing(pooled):
    """A pooler refuses a connection that brings settings of its own."""
    stored = StoredRequests(pooled, deadline_ms=300)
    assert [tuple(row) for row in await stored.fetch(("SELECT $1::int + 1", [1]))] == [(2,)]
    with pytest.raises(SinkUnavailable, match="has not answered within 300 ms"):
        await stored.fetch(("SELECT pg_sleep(5)", []))
    with pytest.raises(SinkUnavailable, match="read-only transaction"):
        await stored.fetch(("CREATE TABLE mine (a int)", []))
    assert [tuple(row) for row in await stored.fetch(("SELECT 1", []))] == [(1,)]
    await stored._connections.close()


async def test_a_batch_that_takes_longer_than_the_server_allows_is_halved_until_it_passes(database):
    """It came again at the same size for ever; other faults of the server halve nothing."""
    sink = PostgresSink(database)
    await sink.open()
    await stop_maintenance(sink)
    size = sink._targets[ACCESS_LOGS_PARSED].size
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request()))
    connection = await asyncpg.connect(database)
    await connection.execute(SLOW_ROWS)
    name = database.rpartition("/")[2]
    await connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '{TIMEOUT_MS}ms'")
    await sink._connections.close()  # those that were made before have no timeout
    batch = a_batch(ACCESS_LOGS_PARSED, *[a_request()] * 400)
    errors: list[str] = []
    while len(errors) < 8:
        try:
            await sink.write(batch)
            break
        except SinkUnavailable as error:
            errors.append(str(error))
    assert await connection.fetchval("SELECT count(*) FROM web_logs") == 400
    assert 1 <= len(errors) < 8
    assert all("canceling statement due to statement timeout (57014)" in error for error in errors)
    assert size.rows <= 100
    await connection.execute("DROP TRIGGER slow ON web_logs")
    await sink.write(a_batch(ACCESS_LOGS_PARSED, *[a_request()] * 8_000, first=400))
    assert await connection.fetchval("SELECT count(*) FROM web_logs") == 8_400
    assert size.rows >= 200
    await connection.close()
    await sink.close()


async def timed_out(database: str, trigger: str) -> asyncpg.Connection:
    """Give rows a trigger, and statements a time limit."""
    connection = await asyncpg.connect(database)
    await connection.execute(trigger)
    name = database.rpartition("/")[2]
    await connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '{TIMEOUT_MS}ms'")
    return connection


SLOW_TEXT = SLOW_ROWS.replace("PERFORM pg_sleep(0.002)", "PERFORM pg_sleep(10) WHERE NEW.endpoint = '/slow'")
SLOW_SERVER = SLOW_ROWS.replace("0.002", "10")


async def test_one_row_that_takes_longer_than_the_server_allows_holds_up_no_other(database):
    """It was tried by itself for ever, and all that came behind it waited."""
    sink = PostgresSink(database)
    await sink.open()
    await stop_maintenance(sink)
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(), partition=1))
    connection = await timed_out(database, SLOW_TEXT)
    await sink._connections.close()
    values = [a_request(endpoint="/slow" if n == 77 else f"/{n}") for n in range(200)]
    batch = a_batch(ACCESS_LOGS_PARSED, *values)
    with pytest.raises(SinkUnavailable, match="57014"):
        await sink.write(batch)
    [rejected] = (await sink.write(batch)).rejected
    assert (rejected.record.offset, rejected.fault.reason) == (77, Reason.TOO_LARGE)
    assert "table web_logs: PostgreSQL at" in str(rejected.fault)
    stored = 'SELECT count(*), count(*) FILTER (WHERE "offset" = 77) FROM web_logs WHERE partition = 3'
    assert tuple(await connection.fetchrow(stored)) == (199, 0)
    await connection.close()
    await sink.close()


async def test_a_server_that_takes_no_row_in_its_time_is_waited_for(database):
    """Else an hour of too much load would make dead letters of all that comes."""
    sink = PostgresSink(database)
    await sink.open()
    await stop_maintenance(sink)
    await sink.write(a_batch(ACCESS_LOGS_PARSED, a_request(), partition=1))
    connection = await timed_out(database, SLOW_SERVER)
    await sink._connections.close()
    batch = a_batch(ACCESS_LOGS_PARSED, a_request(), a_request())
    for _ in range(3):
        with pytest.raises(SinkUnavailable, match="57014"):
            await sink.write(batch)
    await connection.execute("DROP TRIGGER slow ON web_logs")
    assert (await sink.write(batch)).rejected == []
    await connection.close()
    await sink.close()
