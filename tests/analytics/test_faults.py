"""Faults of PostgreSQL: slow, frozen or away, a worker says so in time and goes on."""

import os
import signal
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sinks.waiting import until

from dataflow.analytics.stored import StoredRequests
from dataflow.errors import SinkUnavailable

pytestmark = pytest.mark.long

BY_POSTGRES = "/analytics/error_rate?source=postgres"
CANCELLED = "PostgreSQL has not answered within 2000 ms, and the query is cancelled"


@asynccontextmanager
async def _connected(stored):
    connection = await asyncpg.connect(stored.postgres.url)
    try:
        yield connection
    finally:
        await connection.close()


async def _backends(connection):
    return await connection.fetch(
        "SELECT pid, state FROM pg_stat_activity WHERE application_name = 'dataflow-analytics'"
    )


@pytest.mark.parametrize(
    "path",
    [
        BY_POSTGRES,
        "/analytics/top_ips?end=2015-05-18T10:00:00Z",
        "/analytics/requests_per_endpoint?source=postgres",
    ],
)
async def test_a_query_past_its_deadline_is_a_503_and_runs_no_longer(stored, path):
    """Somebody has locked the table; nobody has to end our query by hand."""
    async with _connected(stored) as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE web_logs IN ACCESS EXCLUSIVE MODE")
            reply = stored.worker.get(path)
            assert reply.status == 503
            assert reply.json["error"].startswith(CANCELLED)
            assert reply.headers["Retry-After"]
            assert [row["state"] for row in await _backends(connection) if row["state"] == "active"] == []
        assert stored.worker.get(path).status == 200


async def test_a_frozen_server_is_waited_for_no_longer_than_a_slow_one(stored):
    """It answers nothing at all, and cannot even cancel."""
    assert stored.worker.get(BY_POSTGRES).status == 200
    async with _connected(stored) as connection:
        pids = [row["pid"] for row in await _backends(connection)]
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            reply = stored.worker.get(BY_POSTGRES)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert (reply.status, reply.json["error"][: len(CANCELLED)]) == (503, CANCELLED)
        assert stored.worker.get(BY_POSTGRES).status == 200


async def test_nothing_can_be_written_by_the_way_of_a_question(stored):
    """Its connections are read-only, whatever a statement might say."""
    asked = StoredRequests(stored.postgres.url, 2_000)
    with pytest.raises(SinkUnavailable, match="read-only transaction"):
        await asked.fetch(("DELETE FROM web_logs", []))
    await asked.stop()


async def test_while_the_server_is_away_tables_answer_and_nothing_else(stored):
    """Once it is back it answers again, by itself."""
    stored.postgres.kill()
    # The children of a killed server live on for a moment, and answer.
    away = stored.worker.wait_for(BY_POSTGRES, lambda reply: reply.status != 200)
    tables = stored.worker.get("/analytics/error_rate?start=2015-05-19&end=2015-05-19")
    stored.postgres.start()
    assert away.status == 503
    assert away.json["error"].startswith("PostgreSQL at ")
    assert (tables.status, tables.json["source"]) == (200, "tables")
    await until(lambda: stored.worker.get(BY_POSTGRES).status == 200)
