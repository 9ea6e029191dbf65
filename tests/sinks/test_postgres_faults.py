import asyncpg
import pytest
from sinks.access_lines import RECORDS, done, stored, troubled
from sinks.network import Network
from sinks.waiting import until

from dataflow.errors import SinkUnavailable
from dataflow.sinks.postgres import connections
from dataflow.sinks.postgres.sink import PostgresSink


async def test_a_network_that_is_slow_cut_or_a_black_hole_loses_and_doubles_nothing(
    fed, own_postgres, run, monkeypatch
):
    """Also what was sent when the line went dead, and what was committed without our hearing of it."""
    monkeypatch.setattr(connections, "WORK_SECONDS", 2.0)
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 2.0)
    network = await Network(own_postgres.port).start()
    url = own_postgres.url.replace(f":{own_postgres.port}/", f":{network.port}/")
    runner = await run(PostgresSink(url), address=fed.address, batch_records=500)
    await until(lambda: done(runner) > RECORDS * 0.1, 120)
    network.delay_seconds = 0.01
    await until(lambda: done(runner) > RECORDS * 0.3, 120)
    network.delay_seconds = 0.0
    await network.cut()
    await until(lambda: troubled(runner))
    await network.start()
    await until(lambda: done(runner) > RECORDS * 0.5, 120)
    network.swallows = True
    await until(lambda: troubled(runner))
    network.swallows = False
    await until(lambda: done(runner) == RECORDS, 240)
    assert await stored(own_postgres.url) == (RECORDS, RECORDS, RECORDS)
    await runner.stop()
    await network.cut()


async def test_a_wrong_password_is_told_of_without_it_and_waited_for(own_postgres):
    """A person has to mend it; the other sinks of the worker need not end for that."""
    rules = own_postgres.folder / "data" / "pg_hba.conf"
    rules.write_text("host all guest 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    connection = await asyncpg.connect(own_postgres.url)
    await connection.execute("CREATE ROLE guest SUPERUSER LOGIN PASSWORD 'right'; SELECT pg_reload_conf()")
    url = own_postgres.url.replace("postgres@", "guest:wrong@")
    sink = PostgresSink(url)
    with pytest.raises(SinkUnavailable) as told:
        await sink.open()
    await sink.close()
    assert str(told.value) == (
        f"PostgreSQL at 127.0.0.1:{own_postgres.port}: "
        'password authentication failed for user "guest" (28P01); correct user and password in '
        "DATAFLOW_POSTGRES_URL and restart; a PGPASSFILE needs no restart"
    )
    succeeded = PostgresSink(url.replace("wrong", "right"))
    await succeeded.open()
    await succeeded.close()
    await connection.close()
