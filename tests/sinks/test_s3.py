"""The S3 sink against moto: every record in exactly one object, whatever happens on the way."""

import asyncio
import gzip
import os
from dataclasses import replace

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sinks.buckets import Bucket, a_connection
from sinks.feeding import Feeder
from sinks.servers_s3 import moto_server
from sinks.sink_records import a_record, a_view, batches, views
from sinks.waiting import until

from dataflow.errors import Reason, SinkUnavailable
from dataflow.sinks.s3.cuts import CutRules
from dataflow.sinks.s3.formats import GzipNdjson
from dataflow.sinks.s3.object_writer import Archive
from dataflow.sinks.s3.sink import S3Sink

TOPIC = "enriched-web-events"
TP = TopicPartition(TOPIC, 2)


@pytest.fixture(scope="module")
def server():
    """Return the URL of a moto server."""
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(server, unique):
    """Return an empty bucket."""
    return Bucket(server, unique("bucket"))


@pytest.fixture
def archive(tmp_path):
    """Return rules for small objects."""
    return Archive("logs", GzipNdjson(), CutRules(records=100), tmp_path / "blocks")


@pytest.fixture
def make(server, bucket, archive):
    """Return a function that makes a sink into the bucket, with what differs from the archive's rules."""
    return lambda **chosen: S3Sink((TOPIC,), a_connection(server, bucket.name), replace(archive, **chosen))


async def test_records_are_in_the_objects_of_their_hours(make, bucket):
    """Hours of events, key by the first record, lines as they were sent; committed where a block ends."""
    feeder = Feeder(TP, views([0, 1, 3599, 3600, 99 + 3600, 100 + 3600]))
    values = {record.offset: record.value for record in feeder.records}
    await feeder.feed(lambda: make(rules=CutRules(records=3700)), 2)
    folder = "logs/year=2026/month=09/day=21"
    lines = {key: gzip.decompress(raw).splitlines() for key, raw in bucket.objects().items()}
    assert lines == {
        f"{folder}/hour=00/{TOPIC}-2-0.ndjson.gz": [values[0], values[1], values[3599]],
        f"{folder}/hour=01/{TOPIC}-2-3600.ndjson.gz": [values[3600], values[3699]],
        f"{folder}/hour=01/{TOPIC}-2-3700.ndjson.gz": [values[3700]],  # of the next block, not complete
    }
    assert feeder.committed == 3700


async def test_the_hour_may_be_that_of_arrival(make, bucket):
    """Who archives by arrival never writes into yesterday's folder."""
    feeder = Feeder(TP, [a_record(99, a_view(1, "2020-01-01 00:00:00"), 1_790_000_000_000)])
    await feeder.feed(lambda: make(by_event_time=False), 1)
    assert bucket.keys() == [f"logs/year=2026/month=09/day=21/hour=14/{TOPIC}-2-99.ndjson.gz"]


async def test_a_replay_writes_the_same_objects_byte_for_byte(make, bucket, server, unique):
    """With other batches and crashes in between: same keys, same bytes, each record once."""
    records = views(range(99, 60_000, 100))
    await Feeder(TP, records).feed(lambda: make(rules=CutRules(records=10_000)), 600)
    first = bucket.objects()
    feeder = Feeder(TP, records)
    for crash_after in (3, 0, 7, 19, None):
        await feeder.feed(lambda: make(rules=CutRules(records=10_000)), 23, crash_after)
    assert feeder.committed == 60_000
    assert bucket.objects() == first
    assert bucket.ids() == [*range(99, 60_000, 100)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 9)), max_size=5))
async def test_each_record_is_in_one_object_wherever_it_crashes(make, server, unique, archive, crashes):
    """With flushes of what is not complete between the batches, which another one replaces later."""
    bucket = Bucket(server, unique("crashes"))
    hurried = replace(archive, flush_seconds=0.001, rules=CutRules(records=1_000))
    feeder = Feeder(TP, views(range(39, 12_000, 40)))

    def make_sink():
        return S3Sink((TOPIC,), a_connection(server, bucket.name), hurried)

    for batch_records, crash_after in (*crashes, (50, None)):
        await feeder.feed(make_sink, batch_records, crash_after)
    assert bucket.ids() == [*range(39, 12_000, 40)]


async def test_what_stands_still_is_flushed_and_not_committed(make, bucket):
    """It is visible soon; the offsets wait for the block, since a longer object takes its place."""
    sink = make(flush_seconds=0.02)
    await sink.open()
    first, second = batches(TP, views(range(8)), 4)
    assert (await sink.write(first)).end == 0
    await until(lambda: bucket.ids() == [0, 1, 2, 3])
    assert (await sink.write(second)).end == 0
    await until(lambda: bucket.ids() == [*range(8)])
    await sink.close()
    assert len(bucket.keys()) == 1


async def test_after_a_crash_a_flushed_object_grows_again(make, bucket):
    """What a worker before us has flushed is not ours, but shorter: it is replaced, once it is."""
    feeder = Feeder(TP, views(range(60)))
    flushed = make(flush_seconds=0.02)
    await flushed.open()
    await flushed.write(next(batches(TP, feeder.records, 40)))
    await until(lambda: bucket.ids() == [*range(40)])
    await flushed.close()
    again = make(flush_seconds=0.02)
    await again.open()
    for batch in batches(TP, feeder.records, 20):
        await again.write(batch)
        await asyncio.sleep(0.05)  # flushes of 20, then 40 records must not shorten what is there
        assert len(bucket.ids()) >= 40
    await until(lambda: bucket.ids() == [*range(60)])
    await again.close()


async def test_a_worker_that_has_lost_its_partition_unawares_shortens_nothing(make, bucket):
    """It was stopped, another one has gone on, and now it wakes up and flushes what it has."""
    zombie = make(flush_seconds=0.3)
    await zombie.open()
    await zombie.write(next(batches(TP, views(range(10)), 10)))
    await Feeder(TP, views(range(100))).feed(make, 50)
    assert bucket.ids() == [*range(100)]
    versions = bucket.objects()
    (late,) = zombie._buffers[TP].block.hours.values()
    await until(lambda: late.flushed == 10)
    await zombie.close()
    assert bucket.objects() == versions


async def test_a_large_object_goes_in_parts(make, bucket):
    """Not in memory as a whole; the version of an object in parts tells how many."""
    records = [a_record(n, a_view(n, noise=os.urandom(400_000).hex())) for n in range(30)]
    await Feeder(TP, records).feed(lambda: make(rules=CutRules(records=30)), 10)
    (key,) = bucket.keys()
    assert bucket.ids() == [*range(30)]
    assert bucket.s3.head_object(Bucket=bucket.name, Key=key)["ETag"].endswith('-2"')
    assert bucket.s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []


async def test_what_is_no_json_is_refused_and_the_rest_is_stored(make, bucket):
    """One poison record in ten thousand: one dead letter that says why."""
    records = views(range(10_000))
    records[4_711] = a_record(4_711, b"time\ttag\tnothing")
    feeder = Feeder(TP, records)
    await feeder.feed(lambda: make(rules=CutRules(records=10_000)), 10_000)
    assert [(one.record.offset, one.fault.reason) for one in feeder.dead] == [(4_711, Reason.NOT_JSON)]
    assert bucket.ids() == [n for n in range(10_000) if n != 4_711]
    assert feeder.committed == 10_000


async def test_a_server_that_is_away_is_told_and_waited_for(archive, unique):
    """The words of the SDK are what an operator sees."""
    with moto_server() as url:
        pass
    sink = S3Sink((TOPIC,), a_connection(url, unique("bucket")), archive)
    with pytest.raises(SinkUnavailable, match="Could not connect to the endpoint URL"):
        await sink.open()
    await sink.close()


async def test_a_batch_that_failed_halfway_is_not_gathered_twice(make, bucket):
    """The bucket is gone when the first of two blocks is complete; then it is back."""
    sink = make()
    await sink.open()
    bucket.s3.delete_bucket(Bucket=bucket.name)
    (batch,) = batches(TP, views(range(150)), 150)
    with pytest.raises(SinkUnavailable, match="NoSuchBucket"):
        await sink.write(batch)
    bucket.s3.create_bucket(Bucket=bucket.name)
    assert (await sink.write(batch)).end == 100
    (rest,) = batches(TP, views(range(150, 200)), 50)
    assert (await sink.write(rest)).end == 200
    await sink.close()
    assert bucket.ids() == [*range(200)]


async def test_a_partition_that_is_given_away_begins_anew(make, bucket):
    """It comes back at what was committed, and not where it was."""
    sink = make()
    await sink.open()
    early, late = batches(TP, views(range(100)), 50)
    await sink.write(early)
    await sink.release(TP)
    await sink.write(early)
    assert (await sink.write(late)).end == 100
    await sink.close()
    assert bucket.ids() == [*range(100)]


async def test_what_a_worker_that_ends_has_gathered_is_in_the_bucket(make, bucket):
    """Who stops a worker looks there; it is not committed, so it comes again, the same."""
    sink = make()
    await sink.open()
    (batch,) = batches(TP, views(range(30)), 30)
    assert (await sink.write(batch)).end == 0
    await sink.release(TP)
    assert bucket.ids() == [*range(30)]
    await sink.close()


async def test_an_outage_while_an_object_grows_is_told_of_and_its_partition_pauses(make, bucket):
    """Else nobody would hear of it until the object is complete."""
    sink = make(flush_seconds=0.02)
    await sink.open()
    early, late = batches(TP, views(range(20)), 10)
    bucket.s3.delete_bucket(Bucket=bucket.name)
    await sink.write(early)
    await until(lambda: sink._buffers[TP].has_failed)
    with pytest.raises(SinkUnavailable, match="NoSuchBucket"):
        await sink.write(late)
    bucket.s3.create_bucket(Bucket=bucket.name)
    assert (await sink.write(late)).end == 0
    await until(lambda: bucket.ids() == [*range(20)])
    await sink.close()
