"""A foreign producer that leaves a transaction open on our topics: who waits for it says so."""

import asyncio

import pytest
from harness.open_transaction import open_transaction
from harness.relay import Names, events, relay, running, start, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long


async def test_a_transaction_that_a_foreign_producer_leaves_open_is_named(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """On a source the stream stood still without a word; on a changelog all partitions waited for one."""
    monkeypatch.setattr("dataflow.kafka.open_transactions.REMINDER_SECONDS", 1.0)
    monkeypatch.setattr("dataflow.kafka.reading.TIMEOUT_SECONDS", 3.0)
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        with open_transaction(broker.address, names.source, b"lost"):
            kafka.produce(names.source, events(range(100, 110)), partition=0)
            await until(lambda: "Records wait for the end of a transaction." in caplog.text, "a line")
            assert f"--topic {names.source} --partition 0 --start-offset 100`" in caplog.text
            assert worker.received == 100
        await until(lambda: worker.received == 110, "what was behind it")
    again = relay(broker.address, names)
    kafka.produce(names.source, events(range(110, 120)), partition=1)
    with open_transaction(broker.address, names.changelog, b"lost", b"per_kind|all|0|lost"):
        starting = asyncio.create_task(start(again))
        abort = f"abort --topic {names.changelog} --partition 0 --start-offset"
        await until(lambda: abort in (again.app.watch.obstacle or ""), "the reason why it is not ready")
        await starting
        await until(lambda: again.received == 10, "the other partitions")
        await until(lambda: "Changelog cannot be read to its end" in caplog.text, "why one waits")
        assert len(again.app.engine.partitions) == 3
    await until(lambda: again.received == 120, "all partitions")
    assert again.counts() == {"a": 120}
    await again.app.stop()
