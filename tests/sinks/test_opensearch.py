"""The OpenSearch sink against a real server: types, a batch that comes twice."""

import pytest
from aiokafka.structs import TopicPartition
from sinks.feeding import Feeder
from sinks.servers_opensearch import JARS, NOT_THERE
from sinks.sink_records import a_record, a_view, batches, views

from dataflow.settings import Settings
from dataflow.sinks.opensearch.sink import OpenSearchSink

pytestmark = [pytest.mark.skipif(not JARS, reason=NOT_THERE), pytest.mark.timeout(600)]

TOPIC = "enriched-web-events"


@pytest.fixture
def server(opensearch_server):
    """Return a running OpenSearch."""
    return opensearch_server


@pytest.fixture
def prefix(unique):
    """Return a prefix of indices that nobody else has."""
    return unique("views")


def count(server, prefix: str) -> int:
    """Return how many documents there are."""
    server.ask(f"{prefix}-*/_refresh")
    return server.ask(f"{prefix}-*/_count")["count"]


async def test_types_are_what_they_mean(server, prefix):
    """A place is found by its distance, a date by its range, a text as a whole."""
    sink = OpenSearchSink({TOPIC: prefix}, Settings(opensearch_url=server.url))
    await sink.open()
    view = a_view(
        1, "2026-09-20 23:59:59.999000", geo_latitude="53.53", geo_longitude="43.67", referer_url_port="80",
        ip_address="208.211.66.38", os="Windows NT 6.0", device_is_mobile=False,
    )  # fmt: skip
    (batch,) = batches(TopicPartition(TOPIC, 0), [a_record(0, view)], 1)
    assert (await sink.write(batch)).rejected == []
    await sink.close()
    index = f"{prefix}-2026.09.20"
    types = server.ask(f"{index}/_mapping")[index]["mappings"]["properties"]
    assert {name: types[name]["type"] for name in ("@timestamp", "location", "event_timestamp", "os")} == {
        "@timestamp": "date", "location": "geo_point", "event_timestamp": "date", "os": "keyword",
    }  # fmt: skip
    server.ask(f"{index}/_refresh")
    near = {"geo_distance": {"distance": "5km", "location": {"lat": 53.5, "lon": 43.67}}}
    that_day = {"range": {"event_timestamp": {"gte": "2026-09-20", "lt": "2026-09-21"}}}
    same = {"term": {"os": "Windows NT 6.0"}}
    port = {"term": {"referer_url_port": 80}}
    found = server.ask(f"{index}/_search", query={"bool": {"filter": [near, that_day, same, port]}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [f"{TOPIC}-0-0"]


async def test_a_batch_written_twice_changes_nothing(server, prefix):
    """Not even the version of a document."""
    for _ in range(2):
        feeder = Feeder(TopicPartition(TOPIC, 0), views(range(500)))
        await feeder.feed(lambda: OpenSearchSink({TOPIC: prefix}, Settings(opensearch_url=server.url)), 100)
    assert count(server, prefix) == 500
    found = server.ask(f"{prefix}-*/_search", size=500, version=True)["hits"]["hits"]
    assert {hit["_version"] for hit in found} == {1}
