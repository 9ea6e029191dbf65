"""S3 fed by its runner from Kafka: stored, committed, and a dead letter with the name of the sink."""

from dataclasses import replace

import pytest
from aiokafka.structs import TopicPartition
from sinks.buckets import Bucket, a_connection
from sinks.servers_s3 import moto_server
from sinks.sink_records import a_view
from sinks.waiting import until

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive
from dataflow.sinks.s3.sink import S3Sink


@pytest.fixture(scope="module")
def moto():
    """Return the URL of a moto server."""
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(moto, unique):
    """Return an empty bucket."""
    return Bucket(moto, unique("bucket"))


@pytest.mark.usefixtures("dead_letters")
async def test_the_archive_of_a_topic_is_whole(run, kafka, bucket, unique, tmp_path):
    """One poison record: one dead letter that names the sink; the worker is replaced halfway."""
    topic = unique("views")
    kafka.create_topics(topic, partitions=2)
    values = [a_view(n) for n in range(2_000)]
    values[1_500] = b"no json"
    for partition in (0, 1):
        kafka.produce(topic, values[partition::2], partition=partition)
    archive = Archive("logs", GzipNdjson(), CutRules(records=500), tmp_path / "blocks", flush_seconds=60)

    def a_sink(**chosen):
        return S3Sink((topic,), a_connection(bucket.url, bucket.name), replace(archive, **chosen))

    app_id = unique("app")
    first = await run(a_sink(), app_id=app_id, batch_records=130)
    await until(bucket.keys)
    await first.stop()
    second = await run(a_sink(flush_seconds=0.1), app_id=app_id, batch_records=170)
    expected = [n for n in range(2_000) if n != 1_500]
    await until(lambda: bucket.ids() == expected)
    await until(lambda: all(one.committed_offset == 1_000 for one in second.partitions.values()))
    assert set(second.partitions) == {TopicPartition(topic, 0), TopicPartition(topic, 1)}
    letters = [dict(read.headers) for read in kafka.read_topic(DEAD_LETTERS.name)]
    (letter,) = [one for one in letters if one["dataflow-topic"] == topic.encode()]
    assert letter["dataflow-stage"] == b"sink-s3"
    assert (letter["dataflow-partition"], letter["dataflow-offset"]) == (b"0", b"750")
    assert letter["dataflow-reason"] == b"not_json"
