"""Record batches of foreign clients on a broker in; streams that go on, out."""

import random
import time
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from foreign_batches import (
    LATIN_READ,
    ODDLY_PACKED,
    Change,
    negative_count,
    renamed,
    send_foreign,
    unnamed,
    with_attributes,
)
from harness.relay import Names, events, numbers_in, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.connection import connection
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_to_end


async def test_a_header_whose_name_is_not_utf_8_stops_nothing(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """The worker ended at such a record, and each of its successors; the broker takes any bytes."""
    now = int(time.time() * 1000)
    good = list(events(range(3)))
    await send_foreign(broker.address, names.source, [*good[:2], b"no JSON"], renamed, timestamp=now)
    await send_foreign(broker.address, names.source, good[2:], with_attributes, timestamp=now)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 4, "all events")
        assert worker.counts() == {"a": 3}
    written = kafka.read_topic(names.output)
    assert numbers_in(written) == [0, 1, 2]
    assert [read.headers for read in written[:2]] == [((LATIN_READ, b"1"),)] * 2
    [dead] = kafka.read_topic(names.dead)
    assert (dead.value, dead.headers[-1]) == (b"no JSON", (LATIN_READ, b"1"))


@pytest.mark.parametrize("name", ODDLY_PACKED)
async def test_what_a_broker_takes_is_packed_in_more_ways_than_ours(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str], name: str
):
    """A broker unpacks what producers send: these are the ways of packing that readers have to take."""
    topic, (codec, pack) = unique("packed"), ODDLY_PACKED[name]
    kafka.create_topics(topic, 1)
    now, values = int(time.time() * 1000), [b"a" * 100, None, b"c" * 100]
    await send_foreign(broker.address, topic, values, timestamp=now, codec=codec, pack=pack)
    async with reader(connection([broker.address])) as consumer:
        tp = TopicPartition(topic, 0)
        consumer.assign([tp])
        read = [record.value async for _, records in read_to_end(consumer, [tp]) for record in records]
    assert read == values


async def test_what_unpacks_without_bound_is_dead_letters_and_stops_nothing(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """9.6 KB of zstd took 300 MB of the worker, and of each of its successors."""
    now, good = int(time.time() * 1000), list(events(range(2)))
    await send_foreign(broker.address, names.source, good[:1], timestamp=now)
    await send_foreign(broker.address, names.source, [b"{}", bytes(80 << 20)], timestamp=now, codec=4)
    await send_foreign(broker.address, names.source, good[1:], timestamp=now)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 4, "all events")
        assert worker.counts() == {"a": 2}
    assert numbers_in(kafka.read_topic(names.output)) == [0, 1]
    for offset, letter in enumerate(kafka.read_topic(names.dead), start=1):
        headers = dict(letter.headers)
        assert headers["dataflow-reason"] == b"too_large"
        assert headers["dataflow-offset"] == b"%d" % offset
        assert b"record batch at offset 1 unpacks to more than" in (headers["dataflow-detail"] or b"")
    assert offset == 2


@pytest.mark.parametrize("compression", [None, "zstd"])
async def test_what_is_too_large_for_the_dead_letters_is_told_there_and_stops_nothing(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, compression: str | None
):
    """Three megabytes that a producer has packed to one do not fit into the topic, unless we pack, too."""
    kafka.delete_topic(names.dead)
    kafka.create_topics(names.dead, 4, max_message_bytes=2 << 20)
    now, large = int(time.time() * 1000), random.Random(7).randbytes(700_000).hex().encode() * 2
    await send_foreign(broker.address, names.source, [b"no JSON", large], timestamp=now, codec=4)
    await send_foreign(broker.address, names.source, events([1]), timestamp=now)
    worker = relay(broker.address, names, compression=compression)
    async with running(worker):
        await until(lambda: worker.received == 3, "all events")
    assert numbers_in(kafka.read_topic(names.output)) == [1]
    small, told = kafka.read_topic(names.dead)
    assert (small.value, told.value) == (b"no JSON", large if compression else None)
    headers = dict(told.headers)
    assert (headers["dataflow-reason"], headers["dataflow-offset"]) == (b"not_json", b"1")
    assert (b"bytes are left out" in (headers["dataflow-detail"] or b"")) is not bool(compression)


@pytest.mark.parametrize("change", [unnamed, negative_count])
async def test_what_no_reader_could_take_does_not_get_past_a_broker(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str], change: Change
):
    """A header without a name, and less than none: if it comes to take them, a reader must, too."""
    topic = unique("refused")
    kafka.create_topics(topic, 1)
    with pytest.raises(KafkaError, match="InvalidRecord"):
        await send_foreign(broker.address, topic, [b"a"], change, timestamp=int(time.time() * 1000))
    assert kafka.read_topic(topic) == []
