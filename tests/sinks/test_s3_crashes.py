"""The S3 sink against a real server that is killed and cut off: every record once, over all objects."""

import asyncio
import os

import pytest
from aiokafka.structs import TopicPartition
from sinks.buckets import Bucket, a_connection
from sinks.feeding import Feeder, kill_again_and_again
from sinks.servers_s3 import NO_VERSITYGW, VERSITYGW, Versitygw
from sinks.sink_records import views

from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.objects import Archive
from dataflow.sinks.s3.sink import S3Sink

pytestmark = pytest.mark.skipif(not VERSITYGW, reason=NO_VERSITYGW)

TOPIC = "enriched-web-events"
PARTITIONS = 4
RECORDS = int(os.environ.get("SINK_TEST_RECORDS", "20000"))


@pytest.fixture
def server(tmp_path):
    """Return a running versitygw."""
    server = Versitygw(tmp_path / "objects")
    server.start()
    yield server
    server.kill()


@pytest.mark.timeout(600)
async def test_every_record_is_there_once_though_the_server_is_killed(server, tmp_path):
    """Killed with -9 and started again, over and over; workers die in between, too."""
    each = RECORDS // PARTITIONS
    archive = Archive(
        "logs", GzipNdjson(), CutRules(records=each // 5), tmp_path / "blocks", flush_seconds=0.05
    )
    feeders = [
        Feeder(TopicPartition(TOPIC, partition), views(range(each))) for partition in range(PARTITIONS)
    ]

    def make():
        return S3Sink((TOPIC,), a_connection(server.url, "archive"), archive)

    async def feed(feeder):
        for crash_after in (7, 11, None):
            await feeder.feed(make, each // 31, crash_after)

    await asyncio.gather(kill_again_and_again(server, feeders, 8), *map(feed, feeders))
    assert [feeder.committed for feeder in feeders] == [each] * PARTITIONS
    found = await asyncio.to_thread(Bucket(server.url, "archive").ids)
    assert found == sorted([*range(each)] * PARTITIONS)
