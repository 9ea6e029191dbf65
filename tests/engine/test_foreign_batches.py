"""Record batches of foreign clients on a broker in; streams that go on, out."""

import time
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaError
from foreign_batches import (
    LATIN_READ,
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


@pytest.mark.parametrize("change", [unnamed, negative_count])
async def test_what_no_reader_could_take_does_not_get_past_a_broker(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str], change: Change
):
    """A header without a name, and less than none: if it comes to take them, a reader must, too."""
    topic = unique("refused")
    kafka.create_topics(topic, 1)
    with pytest.raises(KafkaError, match="UnknownError"):  # INVALID_RECORD, which aiokafka does not know
        await send_foreign(broker.address, topic, [b"a"], change, timestamp=int(time.time() * 1000))
    assert kafka.read_topic(topic) == []
