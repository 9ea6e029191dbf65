"""One more stream from end to end: sent, kept or dropped, counted and stored, by its declaration alone."""

import asyncio
import json
from urllib.request import Request, urlopen

import asyncpg
import pytest
from chaos.waiting import wait_until
from chaos.worker import Worker

from dataflow.demo.broker.ports import free_port

SCANS = (
    b'{"number":"1","depot":"Ulm","is_insured":true,"weight_kg":1.5,"scanned_at":"2026-01-31T12:00:00Z"}',
    b'{"number":"2","depot":"Ulm","is_insured":true,"scanned_at":"2026-01-31T12:00:01Z"}',
    b'{"number":"3","depot":"Bonn","is_insured":false,"scanned_at":"2026-01-31T12:00:02Z"}',
    b'{"depot":"Bonn","is_insured":true}',
)
"""Two that are kept, one that is dropped, and one that lacks its number."""


@pytest.mark.timeout(180)
async def test_a_stream_works_that_only_its_declaration_its_agent_and_its_table_know(
    own_broker, tmp_path, database
):
    """Topics, ingest, counts, PostgreSQL's table and CSV files follow from the declaration."""
    environment = {
        "DATAFLOW_BROKER": own_broker.address,
        "DATAFLOW_OPEN_ROLES": "read,send",
        "DATAFLOW_POSTGRES_URL": database,
        "DATAFLOW_CSV_DIR": str(tmp_path / "csv"),
    }
    worker = Worker(tmp_path / "worker", free_port(), environment, app="made_up.app").start()
    try:
        await asyncio.to_thread(worker.wait_ready)
        answer = await asyncio.to_thread(send, worker, b"\n".join(SCANS))
        assert answer == {"accepted": 4, "dead_lettered": 0}
        await asyncio.to_thread(wait_until, lambda: counts(worker) == COUNTS, 60, lambda: counts(worker))
        _, told = worker.ask("/tables/parcels_per_depot", window="all")
        [window] = told["windows"]
        assert window["entries"] == [{"key": "Ulm", "count": 2, "distinct_parcels": 2}]
        assert await stored(database) == [("1", "Ulm", 1.5), ("2", "Ulm", None)]
        await asyncio.to_thread(
            wait_until, lambda: csv_lines(tmp_path / "csv") == CSV_LINES, 60, "lines in files"
        )
        assert worker.stop() == 0
    finally:
        worker.clear_away()


COUNTS = {"received": 4, "sent": 2, "dropped": 1, "dead_lettered": 1}
CSV_LINES = ["1,Ulm,1.5,,True,2026-01-31T12:00:00Z", "2,Ulm,,,True,2026-01-31T12:00:01Z"]


def send(worker, body):
    """Return the answer to lines of the stream."""
    request = Request(f"http://127.0.0.1:{worker.port}/ingest/parcels", data=body)
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def counts(worker):
    """Return what has become of the stream's events."""
    _, told = worker.ask("/streams")
    return told["streams"]["parcels"]


async def stored(database):
    """Return the rows of its table, once there are some."""
    connection = await asyncpg.connect(database)
    try:
        async with asyncio.timeout(60):
            while True:
                rows = await connection.fetch(
                    "SELECT parcel_number, depot, weight_kg FROM parcels ORDER BY parcel_number"
                )
                if len(rows) > 1:
                    return [tuple(row) for row in rows]
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


def csv_lines(folder):
    """Return the lines of its files, without their headers."""
    lines = [line for file in folder.glob("parcels-insured-*.csv") for line in file.read_text().splitlines()]
    return sorted(line for line in lines if not line.startswith("number,"))
