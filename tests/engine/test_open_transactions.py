"""A foreign producer that leaves a transaction open on our topics: who waits for it says so."""

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
    """On a source the stream stood still without a word; on a changelog all partitions waited for one.

    Then they waited for a minute, and all that had been restored of them was read again.
    """
    monkeypatch.setattr("dataflow.kafka.open_transactions.REMINDER_SECONDS", 1.0)
    monkeypatch.setattr("dataflow.engine.restore.HELD_UP_SECONDS", 2.0)
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
        await start(again)
        await until(lambda: again.received == 10, "the other partitions")
        assert "Cannot recover partitions" not in caplog.text, "the others are read once"
        await until(lambda: "Changelog cannot be read to its end" in caplog.text, "why one waits")
        assert f"abort --topic {names.changelog} --partition 0 --start-offset" in caplog.text
        assert len(again.app.engine.partitions) == 3
    await until(lambda: again.received == 120, "all partitions")
    assert again.counts() == {"a": 120}
    await again.app.stop()
