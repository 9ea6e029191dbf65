"""Local store, closed: a query that is under way while its worker stops is answered, and logs nothing."""

import logging
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request, Response
from stored_minutes import started

from dataflow.engine.slices import in_slices
from dataflow.engine.tables import MINUTE
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_reader import ReadAhead, WindowReader
from dataflow.web.edge import json_edge
from dataflow.web_connections import CONNECTIONS, OpenConnections


async def test_a_query_goes_on_after_its_worker_has_closed_its_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """It was a fault of the worker, 500 with a traceback, though a retry elsewhere is all that is needed."""
    worker = await started(tmp_path)
    await worker.end()
    await worker.begin()  # with all windows on the disk
    reader = WindowReader(worker.counted, WeightedCache[ReadAhead](0))

    async def view(_: Request) -> Response:
        await worker.end()
        await in_slices(reader.states(MINUTE, (0, None), (0,)))
        return Response(text="read")

    application = Application(middlewares=[json_edge])
    application[CONNECTIONS] = OpenConnections(1000)
    application.router.add_get("/tables", view)
    caplog.set_level(logging.INFO)
    async with TestClient(TestServer(application)) as client:
        reply = await client.get("/tables")
        assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert (await reply.json()) == {"error": "worker is stopping; expected one that is ready"}
        assert reply.headers["Retry-After"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
