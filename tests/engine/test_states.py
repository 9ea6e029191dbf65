"""States of a worker's engine, as its log tells them, from its start to its end."""

import pytest
from harness.relay import Names, events, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.logs import Entry


def states(caplog: pytest.LogCaptureFixture) -> list[tuple[object, object]]:
    """Return each state that was entered, and its cause."""
    entries = [record.msg for record in caplog.records if isinstance(record.msg, Entry)]
    fields = [entry.fields for entry in entries if entry.sentence == "Engine has changed its state."]
    return [(each["state"], each["cause"]) for each in fields]


async def test_a_worker_recovers_runs_and_drains_once_again_after_an_error(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """Whoever reads the log sees why a worker was not ready, and for how long."""
    caplog.set_level("INFO", "dataflow.engine.lifecycle")
    worker = relay(broker.address, names)
    engine = worker.app.engine
    assert not engine.is_ready
    async with running(worker):
        kafka.produce(names.source, events(range(10)))
        await until(lambda: worker.received == 10, "the events")
        assert engine.is_ready
        before = len(states(caplog))  # a machine that stands still for a session loses the group
        engine.fail(TimeoutError())
        assert not engine.is_ready
        await until(lambda: engine.is_ready, "the next session")
    assert states(caplog)[:2] == [("recovering", "start"), ("running", "partitions are recovered")]
    assert set(states(caplog)[2:before]) <= {
        ("draining", "revocation"),
        ("recovering", "revocation"),
        ("running", "partitions are recovered"),
    }
    assert states(caplog)[before:] == [
        ("recovering", "checkpoint has failed"),
        ("running", "partitions are recovered"),
        ("draining", "stop"),
    ]


async def test_a_worker_drains_before_its_partitions_are_revoked(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """A rebalance is a state of its own: nothing is read, and what is finished is written."""
    caplog.set_level("INFO", "dataflow.engine.lifecycle")
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: len(worker.app.engine.partitions) == 4, "all partitions")
        before = len(states(caplog))
        await worker.app.batch_consumer.on_partitions_revoked(set(worker.app.engine.partitions))
        assert states(caplog)[before:] == [("draining", "revocation"), ("recovering", "revocation")]
        assert not worker.app.engine.partitions


async def test_a_worker_that_has_failed_begins_no_session_again(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, caplog: pytest.LogCaptureFixture
):
    """A checkpoint under way at that moment fails, too: that must not bring the worker back."""
    caplog.set_level("INFO", "dataflow.engine.lifecycle")
    worker = relay(broker.address, names)
    engine = worker.app.engine
    async with running(worker):
        await until(lambda: engine.is_ready, "a running worker")
        engine.on_bug(ValueError("a bug of the agent"))
        engine.fail(TimeoutError())
        await engine.recover(())
        await until(lambda: engine.crashed, "the end of the worker")
    assert states(caplog)[-1] == ("failed", "ValueError")
    assert not engine.partitions
