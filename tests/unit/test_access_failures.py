"""Routes whose view fails: what lacks its broker may be asked again, whatever role of a client it needs."""

from pathlib import Path

import pytest
from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware
from harness.served_routes import access_file, credentials, serving

from dataflow.app import app
from dataflow.errors import DataflowError
from dataflow.kafka.errors import KafkaError
from dataflow.sources.receiver import REFUSED


@pytest.mark.parametrize("fault", [KafkaError("away"), DataflowError("topic is missing"), OSError("gone")])
@pytest.mark.parametrize(
    ("asked", "counted"),
    [
        (("reader", "GET", "/rules/log"), 0),
        (("reader", "GET", "/utm-sources/versions/1"), 0),
        (("admin", "GET", "/audit"), 1),
        (("sender", "POST", "/ingest"), 1),
    ],
)
async def test_without_its_broker_no_route_fails_as_if_it_had_a_bug(
    asked: tuple[str, str, str],
    counted: int,
    fault: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The history of rules was a 500 with a traceback, and 503 to a sender or an editor was not counted."""

    @middleware
    async def fail(request: Request, handler: Handler) -> StreamResponse:
        """Stand in for a view that asks a broker."""
        raise fault

    client, method, path = asked
    async for address, session in serving(monkeypatch, views=fail, access_file=access_file(tmp_path)):
        headers = credentials(client, method, address + path)
        async with session.request(method, address + path, headers=headers) as reply:
            assert reply.status == 503
            assert (await reply.json())["error"] == str(fault)
        assert app.context.receiver.counts[REFUSED, "503"] == counted
