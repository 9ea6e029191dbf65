"""What a person does to the bucket of the S3 sink while it runs, and what S3 itself asks to wait for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import botocore.auth
import pytest
from aiokafka.structs import TopicPartition
from sinks.buckets import Bucket, a_connection
from sinks.servers_s3 import NO_VERSITYGW, VERSITYGW, Versitygw, moto_server
from sinks.sink_records import batches, views
from sinks.test_s3_proxies import a_proxy

from dataflow.errors import SinkUnavailable
from dataflow.settings import Settings
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive
from dataflow.sinks.s3.sink import S3Sink

TP = TopicPartition("enriched-web-events", 0)
EVENTS = 25
SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
needs_versitygw = pytest.mark.skipif(not VERSITYGW, reason=NO_VERSITYGW)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Versitygw]:
    """Return a running server that can keep versions."""
    running = Versitygw(tmp_path / "objects", in_posix=("--versioning-dir", str(tmp_path)))
    running.start()
    yield running
    running.kill()


@asynccontextmanager
async def a_sink(settings: Settings, folder: Path) -> AsyncIterator[S3Sink]:
    """Give an open sink with small blocks that flushes when it is told to."""
    archive = Archive("", GzipNdjson(), CutRules(records=10), folder, flush_seconds=3_600)
    sink = S3Sink((TP.topic,), settings, archive)
    await sink.open()
    yield sink
    await sink.close()


async def store_all(sink: S3Sink) -> None:
    """Write the events, and flush after each batch, so that objects are replaced."""
    for batch in batches(TP, views(range(EVENTS)), 4):
        await sink.write(batch)
        await sink._flush_now(TP, sink._buffers[TP])


@needs_versitygw
async def test_a_bucket_that_is_deleted_is_created_again(server: Versitygw, unique, tmp_path, caplog):
    """Only a restart created it, as if it had never been there."""
    bucket = Bucket(server.url, unique("deleted"))
    async with a_sink(a_connection(server.url, bucket.name), tmp_path) as sink:
        for key in bucket.objects():
            bucket.s3.delete_object(Bucket=bucket.name, Key=key)
        bucket.s3.delete_bucket(Bucket=bucket.name)
        with pytest.raises(SinkUnavailable, match=r"NoSuchBucket.*; the next attempt creates it"):
            await store_all(sink)
        await store_all(sink)
    assert bucket.ids() == list(range(EVENTS))
    assert caplog.text.count("Bucket was deleted; it is created again.") == 1


@needs_versitygw
async def test_a_bucket_that_keeps_versions_and_locks_them_takes_all(server: Versitygw, unique, tmp_path):
    """Objects that are replaced get another version; none is deleted."""
    bucket = Bucket(server.url, unique("locked"))
    bucket.s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    bucket.s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=lock)
    async with a_sink(a_connection(server.url, bucket.name), tmp_path) as sink:
        await store_all(sink)
    assert bucket.ids() == list(range(EVENTS))


async def test_a_locked_bucket_of_a_server_that_wants_checksums_names_the_setting(unique, tmp_path):
    """For a server of one's own they are off by default: some know none."""
    with moto_server() as url:
        bucket = Bucket(url, unique("locked"))
        bucket.s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
        lock = {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        }
        bucket.s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=lock)
        async with a_sink(a_connection(url, bucket.name), tmp_path) as sink:
            with pytest.raises(SinkUnavailable, match="needs DATAFLOW_S3_CHECKSUMS=when_supported"):
                await store_all(sink)
        async with a_sink(a_connection(url, bucket.name, s3_checksums="when_supported"), tmp_path) as sink:
            await store_all(sink)
        assert bucket.ids() == list(range(EVENTS))


@needs_versitygw
async def test_a_clock_that_is_wrong_is_told_and_waited_for(server: Versitygw, unique, tmp_path, monkeypatch):
    """The server refuses what is signed a quarter of an hour before or after its own time."""
    bucket, now = Bucket(server.url, unique("clock")), botocore.auth.get_current_datetime
    async with a_sink(a_connection(server.url, bucket.name), tmp_path) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now() + timedelta(hours=2))
            with pytest.raises(SinkUnavailable, match="; set the clock of this machine or of the server"):
                await store_all(sink)
        await store_all(sink)
    assert bucket.ids() == list(range(EVENTS))


async def test_a_server_that_asks_to_slow_down_is_asked_again(tmp_path):
    """It answers 503 to some requests of a busy prefix."""
    async with a_proxy() as (proxy, settings, bucket), a_sink(settings, tmp_path) as sink:
        busy = asyncio.create_task(_slow_down_for_a_while(proxy))
        while not busy.done():
            with suppress(SinkUnavailable):
                await store_all(sink)
        proxy.answer = 503, SLOW_DOWN
        with pytest.raises(SinkUnavailable, match="S3 limits requests; the sink tries again after a pause"):
            await sink._objects.first_id("other", "id")
        proxy.answer = None
        await store_all(sink)
        await sink.release(TP)
        assert bucket.ids() == list(range(EVENTS))


async def _slow_down_for_a_while(proxy) -> None:
    for _ in range(20):
        proxy.answer = None if proxy.answer else (503, SLOW_DOWN)
        await asyncio.sleep(0.05)
    proxy.answer = None
