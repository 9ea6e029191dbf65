"""What other programs do to the server of a sink: their locks, connections, poolers and passwords."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from sinks.pooler import NO_PGBOUNCER, PGBOUNCER, pgbouncer
from sinks.postgres_batches import ACCESS_LOGS_PARSED, a_batch, a_booking, a_request, stop_maintenance
from sinks.postgres_server import PostgresServer

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres import sink as postgres_sink
from dataflow.sinks.postgres.connections import Connections
from dataflow.sinks.postgres.sink import PostgresSink


async def a_guest(server: PostgresServer, options: str) -> str:
    """Make a role without the password of others; return the URL for it."""
    connection = await asyncpg.connect(server.url)
    await connection.execute(f"CREATE ROLE guest LOGIN PASSWORD 'first' {options}")
    await connection.execute("GRANT ALL ON SCHEMA public TO guest")
    await connection.close()
    return server.url.replace("postgres@", "guest@")


async def test_a_lock_on_a_table_holds_up_no_other_table_and_halves_no_batch(database: str, monkeypatch):
    """Each write kept one of four connections for a minute, and was taken for too much at once."""
    monkeypatch.setattr(postgres_sink, "LOCK_WAIT", "100ms")
    sink = PostgresSink(database)
    await sink.open()
    await stop_maintenance(sink)
    batches = [a_batch(ACCESS_LOGS_PARSED, a_request(), a_request(), partition=part) for part in range(4)]
    await sink.write(batches[0])
    holder = await asyncpg.connect(database)
    await holder.execute("BEGIN; LOCK TABLE web_logs")
    async with asyncio.timeout(10):
        writes = [sink.write(batch) for batch in batches]
        *held, booked = await asyncio.gather(
            *writes, sink.write(a_batch("expedia_ext", a_booking())), return_exceptions=True
        )
    assert ["another session holds a lock" in str(error) for error in held] == [True] * 4
    assert getattr(booked, "rejected", booked) == []
    assert not sink._targets[ACCESS_LOGS_PARSED].size.is_halved
    await holder.close()
    assert [(await sink.write(batch)).rejected for batch in batches] == [[]] * 4
    await sink.close()


async def test_a_connection_that_works_is_kept_while_new_ones_are_refused(own_postgres: PostgresServer):
    """It was closed with them, and then the sink had none at a server that takes no more."""
    connections = Connections(await a_guest(own_postgres, "CONNECTION LIMIT 1"))

    async def ask() -> int:
        async with connections.transaction() as connection:
            await connection.execute("SELECT pg_sleep(0.01)")
            return int(await connection.fetchval("SELECT pg_backend_pid()"))

    first = await ask()
    for _ in range(30):
        answers = await asyncio.gather(*(ask() for _ in range(4)), return_exceptions=True)
        assert first in answers
        told = [str(answer) for answer in answers if isinstance(answer, SinkUnavailable)]
        assert all("53300" in words and "raise max_connections" in words for words in told)
    await connections.close()


async def test_a_password_that_is_changed_is_read_again_from_its_file(
    own_postgres: PostgresServer, tmp_path: Path, monkeypatch
):
    """The sink waits, and goes on without a restart."""
    rules = own_postgres.folder / "data" / "pg_hba.conf"
    rules.write_text("host all guest 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    file = tmp_path / "passwords"
    file.write_text("*:*:*:guest:first\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    url = await a_guest(own_postgres, "")
    sink = PostgresSink(url)
    await sink.open()
    await stop_maintenance(sink)
    owner = await asyncpg.connect(own_postgres.url)
    await owner.execute("ALTER ROLE guest PASSWORD 'second'; SELECT pg_reload_conf()")
    await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'")
    batch = a_batch(ACCESS_LOGS_PARSED, a_request())
    errors = []
    for _ in range(2):  # the first one may be of a connection that has ended
        with pytest.raises(SinkUnavailable) as told:
            await sink.write(batch)
        errors.append(str(told.value))
    assert "28P01" in errors[-1]
    file.write_text("*:*:*:guest:second\n")
    assert (await sink.write(batch)).rejected == []
    assert await owner.fetchval("SELECT count(*) FROM web_logs") == 1
    await owner.close()
    await sink.close()


async def test_a_database_of_another_encoding_is_told_and_refuses_only_what_it_lacks(
    postgres_server: PostgresServer, unique, caplog
):
    """Its dead letters came without a warning."""
    name = unique("latin").replace("-", "_")
    owner = await asyncpg.connect(postgres_server.url)
    await owner.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await owner.close()
    sink = PostgresSink(postgres_server.url.removesuffix("postgres") + name)
    await sink.open()
    assert "Database lacks characters that UTF-8 has" in caplog.text
    paths = ["/caf\u00e9", "/\U0001f600", "/a"]
    result = await sink.write(a_batch(ACCESS_LOGS_PARSED, *(a_request(endpoint=path) for path in paths)))
    assert [one.record.offset for one in result.rejected] == [1]
    await sink.close()


@pytest.mark.skipif(not PGBOUNCER, reason=NO_PGBOUNCER)
@pytest.mark.parametrize(
    ("options", "clients", "told"),
    [
        ("query_wait_timeout = 1\n", 1, "pgbouncer has no free connection to the server"),
        ("max_client_conn = 2\n", 2, "pgbouncer has too many clients"),
    ],
)
async def test_a_pooler_that_has_no_room_is_told_and_waited_for(
    own_postgres: PostgresServer, options: str, clients: int, told: str
):
    """Its own errors have no SQLSTATE, and name only a setting."""
    with pgbouncer(own_postgres, connections=1, options=options) as port:
        url = own_postgres.url.replace(f":{own_postgres.port}/", f":{port}/")
        sink = PostgresSink(url)
        await sink.open()
        await stop_maintenance(sink)
        await sink._connections.close()
        others = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(clients)]
        await others[0].execute("BEGIN")
        batch = a_batch(ACCESS_LOGS_PARSED, a_request())
        with pytest.raises(SinkUnavailable, match=told):
            await sink.write(batch)
        for other in others:
            await other.close()
        assert (await sink.write(batch)).rejected == []
        await sink.close()
