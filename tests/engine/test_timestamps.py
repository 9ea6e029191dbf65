"""Record timestamps that a topic refuses: the record is written with another one, and the worker goes on."""

import time
from collections.abc import Callable

import pytest
from harness.relay import Names, events, numbers_in, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka import record_batches

HOUR_MS = 3_600_000
FOR_EVER = 2**63 - 1
NONE = -1


async def test_records_whose_timestamps_an_output_refuses_are_written_all_the_same(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str]
):
    """One record ended the worker and each of its successors, six streams with it."""
    names = Names.of(unique)
    kafka.create_topics(names.source, message_timestamp_after_max_ms=FOR_EVER)
    kafka.create_topics([names.output, names.dead], message_timestamp_before_max_ms=24 * HOUR_MS)
    now = int(time.time() * 1000)
    at = [now, now + 5 * HOUR_MS, now - 48 * HOUR_MS, NONE, now + 2 * HOUR_MS]
    kafka.produce(names.source, [*events(range(4)), b"no JSON"], partition=0, timestamps=at)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 5, "all events")
        assert worker.counts() == {"a": 4}
    written = kafka.read_topic(names.output)
    assert numbers_in(written) == [0, 1, 2, 3]
    assert all(abs(read.timestamp - now) < HOUR_MS for read in written)
    [dead] = kafka.read_topic(names.dead)
    assert dict(dead.headers)["dataflow-timestamp"] == b"%d" % at[-1]
    assert dead.timestamp >= now


async def test_a_worker_whose_clock_is_two_hours_ahead_goes_on(
    broker: EmbeddedBroker, kafka: KafkaClient, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    """Neither its changelog nor an output may be refused for good because of a clock."""
    names = Names.of(unique)
    kafka.create_topics(names.topics, message_timestamp_after_max_ms=HOUR_MS)
    now = int(time.time() * 1000)
    monkeypatch.setattr(record_batches, "now_ms", lambda: int(time.time() * 1000) + 2 * HOUR_MS)
    kafka.produce(names.source, events(range(3)), partition=0, timestamps=[now - 48 * HOUR_MS] * 3)
    kafka.produce(names.source, [b"no JSON"], partition=0)
    worker = relay(broker.address, names)
    worker.app.engine._record_batches.refuse_timestamps(names.output)
    async with running(worker):
        await until(lambda: worker.received == 4, "all events")
    written = kafka.read_topic(names.output)
    assert [read.timestamp for read in written] == [NONE] * 3
    assert len(kafka.read_topic(names.dead)) == 1
