"""The OpenSearch sink against a real server: every record once by its origin, whatever happens."""

import asyncio
import json
import os
import urllib.request

import pytest
from aiokafka.structs import TopicPartition
from sinks.feeding import Feeder, kill_again_and_again
from sinks.servers_opensearch import IS_THERE, NOT_THERE, OpenSearchServer
from sinks.sink_records import a_record, a_view, batches, views

from dataflow.errors import Reason
from dataflow.sinks.opensearch.server import Connection
from dataflow.sinks.opensearch.sink import OpenSearchSink

pytestmark = [pytest.mark.skipif(not IS_THERE, reason=NOT_THERE), pytest.mark.timeout(600)]

TOPIC = "enriched-web-events"
PARTITIONS = 4
RECORDS = int(os.environ.get("SINK_TEST_RECORDS", "20000"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return a running OpenSearch."""
    server = OpenSearchServer(tmp_path_factory.mktemp("opensearch") / "node")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def prefix(unique):
    """Return a prefix of indices that nobody else has."""
    return unique("views")


def ask(server, path: str, **body: object):
    """Return what the server answers to a plain request."""
    request = urllib.request.Request(
        f"{server.url}/{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def count(server, prefix: str) -> int:
    """Return how many documents there are."""
    ask(server, f"{prefix}-*/_refresh")
    return ask(server, f"{prefix}-*/_count")["count"]


async def test_types_are_what_they_mean(server, prefix):
    """A place is found by its distance, a date by its range, a text as a whole."""
    sink = OpenSearchSink({TOPIC: prefix}, Connection(server.url))
    await sink.open()
    view = a_view(
        1, "2026-09-20 23:59:59.999000", geo_latitude="53.53", geo_longitude="43.67", referer_url_port="80",
        ip_address="208.211.66.38", os="Windows NT 6.0", device_is_mobile=False,
    )  # fmt: skip
    (batch,) = batches(TopicPartition(TOPIC, 0), [a_record(0, view)], 1)
    assert (await sink.write(batch)).rejected == []
    await sink.close()
    index = f"{prefix}-2026.09.20"
    types = ask(server, f"{index}/_mapping")[index]["mappings"]["properties"]
    assert {name: types[name]["type"] for name in ("@timestamp", "location", "event_timestamp", "os")} == {
        "@timestamp": "date", "location": "geo_point", "event_timestamp": "date", "os": "keyword",
    }  # fmt: skip
    ask(server, f"{index}/_refresh")
    near = {"geo_distance": {"distance": "5km", "location": {"lat": 53.5, "lon": 43.67}}}
    that_day = {"range": {"event_timestamp": {"gte": "2026-09-20", "lt": "2026-09-21"}}}
    same = {"term": {"os": "Windows NT 6.0"}}
    port = {"term": {"referer_url_port": 80}}
    found = ask(server, f"{index}/_search", query={"bool": {"filter": [near, that_day, same, port]}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [f"{TOPIC}-0-0"]


async def test_one_poison_record_in_ten_thousand(server, prefix):
    """9,999 are stored, and one dead letter has the server's own words."""
    records = views(range(10_000))
    records[4_711] = a_record(4_711, a_view(4_711, geo_latitude={"of": "no number"}))
    feeder = Feeder(TopicPartition(TOPIC, 0), records)
    await feeder.feed(lambda: OpenSearchSink({TOPIC: prefix}, Connection(server.url)), 10_000)
    (dead,) = feeder.dead
    assert dead.record.offset == 4_711
    assert dead.fault.reason is Reason.WRONG_TYPE
    assert "failed to parse field [geo_latitude] of type [double]" in dead.fault.detail
    assert count(server, prefix) == 9_999


async def test_a_batch_written_twice_changes_nothing(server, prefix):
    """Not even the version of a document."""
    for _ in range(2):
        feeder = Feeder(TopicPartition(TOPIC, 0), views(range(500)))
        await feeder.feed(lambda: OpenSearchSink({TOPIC: prefix}, Connection(server.url)), 100)
    assert count(server, prefix) == 500
    found = ask(server, f"{prefix}-*/_search", size=500, version=True)["hits"]["hits"]
    assert {hit["_version"] for hit in found} == {1}


async def test_every_record_is_there_once_though_the_server_is_killed(server, prefix):
    """Killed with -9 in the midst of writing, and started again; workers die in between, too."""
    each = RECORDS // PARTITIONS
    feeders = [
        Feeder(TopicPartition(TOPIC, partition), views(range(each))) for partition in range(PARTITIONS)
    ]

    async def feed(feeder):
        for crash_after in (7, 11, None):
            await feeder.feed(
                lambda: OpenSearchSink({TOPIC: prefix}, Connection(server.url)), each // 31, crash_after
            )

    await asyncio.gather(kill_again_and_again(server, feeders, 2), *map(feed, feeders))
    assert [feeder.dead for feeder in feeders] == [[]] * PARTITIONS
    assert await asyncio.to_thread(count, server, prefix) == each * PARTITIONS
