"""S3 behind a proxy that answers in its place: an outage that is told, whatever the answer is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from aiokafka.structs import TopicPartition
from sinks.buckets import Bucket, a_connection
from sinks.servers_s3 import moto_server
from sinks.sink_records import batches, views

from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive, ObjectWriter
from dataflow.sinks.s3.sink import S3Sink
from dataflow.sinks.s3.store import connected

TP = TopicPartition("enriched-web-events", 0)
PAGE = "<html><h1>No</h1></html>"
OF_ONE_HOP = ("connection", "content-length", "transfer-encoding", "date", "server")

STATUSES = [400, 403, 404, 405, 412, 413, 421, 429, 451, 502, 503, 301, 307, 200]


class Proxy:
    """Hands on what it is asked, or answers by itself while it has an `answer`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: tuple[int, str] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request."""
        if self.answer is not None:
            return web.Response(status=self.answer[0], text=self.answer[1], content_type="text/html")
        async with (
            ClientSession(auto_decompress=False) as client,
            client.request(
                request.method,
                self.url + request.raw_path,
                data=await request.read(),
                headers=request.headers,
            ) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_ONE_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def a_proxy() -> AsyncIterator[tuple[Proxy, Settings, Bucket]]:
    """Run one in front of moto; give how to reach it, and the bucket as it is behind it."""
    with moto_server() as url:
        proxy, app = Proxy(url), web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        async with TestServer(app) as front:
            name = f"archive-{front.port}"
            settings = a_connection(str(front.make_url("/")).rstrip("/"), name)
            yield proxy, settings, Bucket(url, name)


@pytest.mark.parametrize("page", [PAGE, ""], ids=["a page", "nothing"])
@pytest.mark.parametrize("status", STATUSES)
async def test_what_a_proxy_answers_is_an_outage_and_then_all_is_stored(
    tmp_path: Path, status: int, page: str
):
    """Redirects ended the worker; a 404 or 412 was taken for an object that is there, and not told."""
    async with a_proxy() as (proxy, settings, bucket):
        archive = Archive("", GzipNdjson(), CutRules(records=100), tmp_path, flush_seconds=3_600)
        sink = S3Sink((TP.topic,), settings, archive)
        await sink.open()
        (batch,) = batches(TP, views(range(3)), 3)
        await sink.write(batch)
        proxy.answer = status, page
        buffer = sink._buffers[TP]
        with pytest.raises(SinkUnavailable, match="S3: "):
            await sink._flush_now(TP, buffer)
        proxy.answer = None
        await sink._flush_now(TP, buffer)
        await sink.close()
        assert bucket.ids() == [0, 1, 2]


@pytest.mark.parametrize("status", [400, 404, 405, 412, 502, 301])
async def test_what_a_proxy_answers_to_the_first_request_is_an_outage(status: int):
    """The worker waits for the server from its start on."""
    async with a_proxy() as (proxy, settings, _):
        proxy.answer = status, PAGE
        with pytest.raises(SinkUnavailable, match="S3: "):
            async with connected(settings):
                pass


async def test_a_404_says_nothing_of_which_topic_was_stored(tmp_path: Path):
    """It was taken for a missing right: objects of a topic made anew replaced those of the first."""
    async with a_proxy() as (proxy, settings, _), connected(settings) as store:
        objects = ObjectWriter(store, Archive("", GzipNdjson(), CutRules(), tmp_path))
        assert await objects.first_id("events", "first") == "first"
        proxy.answer = 404, ""
        with pytest.raises(SinkUnavailable, match="S3: "):
            await objects.first_id("events", "second")
        proxy.answer = None
        assert await objects.first_id("events", "second") == "first"
