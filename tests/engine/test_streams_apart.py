"""Streams apart: what befalls the topics of one stream holds up that stream alone; it goes on by itself."""

from collections.abc import Callable

import pytest
from confluent_kafka.admin import AclOperation, NewPartitions, ResourceType
from harness.guarded_broker import Guarded
from harness.relay import Names, Relay, events, numbers_in, running, until
from harness.two_streams import relay_again, two_streams
from kafka_client import KafkaClient
from table_parts import merge_entries, part_of

from dataflow.engine.pauses import PauseCause
from dataflow.engine.tables import ALL
from dataflow.kafka.connection import connection
from dataflow.topics import grow_topics

pytestmark = pytest.mark.long


def counts(worker: Relay, names: Names) -> dict[str, int]:
    """Return what the table of the first stream has counted, by kind."""
    owned = worker.app.engine.partitions.items()
    mine = [p.state.table_partitions["per_kind"] for tp, p in owned if tp.topic == names.source]
    parts = [part_of(table_partition, ALL) for table_partition in mine]
    windows = merge_entries(worker.table.table, ALL, parts)
    return {entry["key"]: entry["count"] for window in windows for entry in window["entries"]}


async def test_a_stream_whose_output_is_deleted_pauses_until_it_is_there_again(
    guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """Nothing moved, and the log only said `Future exception was never retrieved`."""
    streams = two_streams(guarded, unique)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        streams.kafka.delete_topic(streams.names.output)
        streams.send(range(100, 200))
        await until(lambda: streams.committed(streams.others) == 200, "the other stream")
        await until(lambda: streams.pause is not None, "a pause")
        assert streams.pause is not None
        assert streams.pause.cause is PauseCause.TOPIC_MISSING
        assert f"topic {streams.names.output}" in streams.pause.detail
        streams.kafka.create_topics(streams.names.output, 1)
        await streams.wait_all(200)
    assert numbers_in(streams.kafka.read_topic(streams.names.output)) == list(range(100, 200))
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("may_alter", [True, False])
async def test_partitions_that_are_added_to_a_source_are_counted_and_hold_up_nothing(
    may_alter: bool, guarded: Guarded, unique: Callable[[str], str]
):
    """All streams stood still after five minutes, and a new worker advised to throw the counts away."""
    streams = two_streams(guarded, unique)
    names = streams.names
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with guarded.denied(ResourceType.TOPIC, "none" if may_alter else names.changelog, AclOperation.ALTER):
            grown = guarded.admin.create_partitions([NewPartitions(names.source, 4)])
            grown[names.source].result(30)
            if not may_alter:
                await until(lambda: streams.pause is not None, "a pause")
                assert streams.pause is not None
                assert streams.pause.cause is PauseCause.PARTITIONS_ADDED
                assert "dataflow topics --grow" in streams.pause.awaited
                assert await grow_topics(connection([guarded.broker.address]), names.group) == {
                    names.changelog: 4
                }
            await until(lambda: len(streams.worker.app.engine.partitions) == 6, "six partitions")
            knows_them = KafkaClient(guarded.broker.address)
            knows_them.produce(names.source, events(range(100, 200)), partition=3)
            await until(lambda: counts(streams.worker, names) == {"a": 200}, "the counts")
            streams.send(range(100, 150), everywhere=False)
            await until(lambda: streams.committed(streams.others) == 150, "the other stream")
    assert sorted(numbers_in(streams.kafka.read_topic(names.output))) == list(range(200))
    async with running(again := relay_again(guarded, streams)):
        await until(lambda: counts(again, names) == {"a": 200}, "the counts after a restart")
