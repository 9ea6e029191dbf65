"""S3 and OpenSearch behind a network that is cut and slow: every record once, nothing refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer
from aiokafka.structs import TopicPartition
from sinks.buckets import Bucket, a_connection
from sinks.feeding import Feeder
from sinks.network import Network
from sinks.servers_s3 import moto_server
from sinks.sink_records import batches, views
from sinks.test_opensearch_answers import SmallServer

from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.opensearch.sink import OpenSearchSink
from dataflow.sinks.s3 import store
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive
from dataflow.sinks.s3.sink import S3Sink

TP = TopicPartition("enriched-web-events", 0)
RECORDS = 3_000


@asynccontextmanager
async def bad_weather(port: int) -> AsyncIterator[str]:
    """Give the URL of a server behind a network that is cut again and again, and slow in between."""
    network = await Network(port).start()
    network.delay_seconds = 0.02  # each way: hardly a moment without a request on its way

    async def rage() -> None:
        while True:
            await asyncio.sleep(0.15)
            await network.cut()
            await asyncio.sleep(0.05)
            await network.start()

    raging = asyncio.create_task(rage())
    try:
        yield f"http://127.0.0.1:{network.port}"
    finally:
        raging.cancel()
        await asyncio.wait([raging])
        await network.cut()


async def test_the_archive_outlasts_bad_weather(tmp_path):
    """A put may be through or not when the line is cut: it is made again, the same."""
    with moto_server() as url:
        async with bad_weather(urlsplit(url).port) as worse:
            archive = Archive(
                "logs", GzipNdjson(), CutRules(records=300), tmp_path / "blocks", flush_seconds=0.02
            )
            feeder = Feeder(TP, views(range(RECORDS)))
            await feeder.feed(lambda: S3Sink((TP.topic,), a_connection(worse, "archive"), archive), 100)
        assert feeder.failures
        assert feeder.committed == RECORDS
        assert Bucket(url, "archive").ids() == [*range(RECORDS)]


async def test_the_index_outlasts_bad_weather():
    """A request may be through or not when the line is cut: the second time, the documents are there."""
    small = SmallServer()
    server = TestServer(small.app())
    await server.start_server()
    async with bad_weather(server.port) as worse:
        feeder = Feeder(TP, views(range(RECORDS)))
        await feeder.feed(lambda: OpenSearchSink({TP.topic: "views"}, Settings(opensearch_url=worse)), 50)
    await server.close()
    assert feeder.failures
    assert feeder.dead == []
    assert sorted(int(event["event_id"]) for event in small.documents.values()) == [*range(RECORDS)]


async def test_a_connection_that_goes_nowhere_is_given_up(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """The SDK's own limits do not begin before a request is out: a half-open line held it for ever."""
    with moto_server() as url:
        network = await Network(urlsplit(url).port).start()
        there = a_connection(f"http://127.0.0.1:{network.port}", "archive")
        archive = Archive("logs", GzipNdjson(), CutRules(records=10), tmp_path / "blocks")
        sink = S3Sink((TP.topic,), there, archive)
        await sink.open()
        monkeypatch.setattr(store, "ANSWER_SECONDS", 0.5)
        (batch,) = batches(TP, views(range(10)), 10)
        network.swallows = True
        with pytest.raises(SinkUnavailable, match="S3: no answer in time"):
            await sink.write(batch)
        network.swallows = False
        assert (await sink.write(batch)).end == 10
        await sink.close()
        await network.cut()
