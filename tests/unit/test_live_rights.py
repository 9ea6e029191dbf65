"""Streams of events: a right that is taken away ends them, a worker that ends begins none."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from harness.served_routes import access_file, credentials, real_views, serving

from dataflow import watched_files
from dataflow.app import app
from dataflow.web import live

LIVE = "/live?of=tables&seconds=60"


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return where a worker serves its views, a session, and its access file, at which it looks each time."""
    monkeypatch.setattr(watched_files, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(live, "not_ready_for", lambda: None)
    path = access_file(tmp_path)
    async for address, session in serving(monkeypatch, views=real_views, access_file=path):
        yield address, session, path


async def opened(reply: ClientResponse) -> None:
    """Wait until a stream has begun."""
    assert reply.status == 200
    assert (await reply.content.readline()).startswith(b"retry:")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("[tokens.reader]", "[tokens.another]"), id="another name"),
        pytest.param(lambda text: text.replace('"read"', '"metrics"'), id="fewer roles"),
        pytest.param(lambda text: text[: text.index("[tokens.reader]")], id="gone"),
    ],
)
async def test_a_stream_ends_with_the_right_to_it(served, change):
    """A token that is revoked would else see what is counted for an hour: it is checked once."""
    address, session, path = served
    async with session.get(address + LIVE, headers=credentials("reader", "GET", LIVE)) as reply:
        await opened(reply)
        path.write_text(change(path.read_text()))
        async with asyncio.timeout(30):
            await reply.content.read()
        assert reply.content.at_eof()


async def test_a_stream_outlives_a_change_that_does_not_concern_it(served):
    """An operator adds somebody: nobody else's page blinks."""
    address, session, path = served
    async with session.get(address + LIVE, headers=credentials("reader", "GET", LIVE)) as reply:
        await opened(reply)
        path.write_text(
            path.read_text() + '[users.new]\npassword = "x"\nroles = []\n'.replace("x", "$2b$04$" + "." * 53)
        )
        assert "new" in app.context.authenticator.known.users
        async with asyncio.timeout(30):
            for _ in range(20):
                assert await reply.content.readline()


async def test_a_worker_that_ends_refuses_new_streams(served, monkeypatch: pytest.MonkeyPatch):
    """A stream that ends at once without an error is asked for again, five times a second, by every page."""
    address, session, _ = served
    monkeypatch.setattr(app.web.connections, "is_draining", True)
    async with session.get(address + LIVE, headers=credentials("reader", "GET", LIVE)) as reply:
        assert reply.status == 503
        assert "is about to stop; expected another one" in (await reply.json())["error"]


async def test_what_a_reader_may_not_see_is_refused_as_at_its_own_address(served):
    """With the same words: one place knows who may do what."""
    address, session, _ = served
    headers = credentials("reader", "GET", LIVE)
    async with session.get(f"{address}/live?of=audit&seconds=60", headers=headers) as reply:
        await opened(reply)
        await reply.content.readuntil(b"data: ")
        told = json.loads(await reply.content.readline())
    async with session.get(f"{address}/audit", headers=headers) as direct:
        assert (told["status"], told["answer"]) == (direct.status, await direct.json())
