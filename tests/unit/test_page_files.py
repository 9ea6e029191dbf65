"""Files of the pages: compressed for whoever can unpack them, exact for all."""

import gzip
from importlib.resources import files

import pytest
from harness.served_routes import real_views, serving

from dataflow.web.index import KEPT, VERSION


@pytest.fixture
async def served(monkeypatch):
    """Return where a worker serves."""
    async for each in serving(monkeypatch, views=real_views):
        yield each


async def test_each_file_of_the_pages_travels_compressed_and_is_the_same(served):
    """A browser says what it can unpack; what is in between keeps both forms apart by `Vary`."""
    address, session = served
    for file in files("dataflow.web").joinpath("static").iterdir():
        if file.name.endswith(".html"):
            continue
        url = f"{address}/static/{VERSION}/{file.name}"
        for asked, packed in (("gzip, deflate, br", True), ("identity", False)):
            async with session.get(url, headers={"Accept-Encoding": asked}, auto_decompress=False) as reply:
                body = await reply.read()
            assert (reply.status, reply.headers["Cache-Control"]) == (200, KEPT)
            assert reply.headers["Vary"] == "Accept-Encoding"
            assert ("Content-Encoding" in reply.headers) is packed
            assert (gzip.decompress(body) if packed else body) == file.read_bytes()
