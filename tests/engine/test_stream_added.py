"""A stream that a release adds: its worker starts on a cluster where the others have run for long."""

from collections.abc import Callable

import pytest
from harness.relay import Names, Relay, events, numbers_in, relay, running, until
from harness.two_streams import declare_other
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker


def with_both(broker: EmbeddedBroker, names: Names, others: Names) -> Relay:
    """Return a worker of the release that has the second stream."""
    worker = relay(broker.address, names)
    declare_other(worker, others)
    return worker


def committed(worker: Relay, source: str) -> int:
    """Return how many events of a stream this worker has committed, of the partitions that it owns."""
    assert not worker.app.engine.lifecycle.has_failed, "the worker has stopped"
    return sum(p.committed for tp, p in worker.app.engine.partitions.items() if tp.topic == source)


@pytest.fixture
def others(names: Names, unique: Callable[[str], str]) -> Names:
    """Return the names of the stream that is added; its topics are not there yet."""
    return Names(names.group, unique("other-source"), unique("other-output"), names.dead)


@pytest.mark.parametrize("partitions", [1, 7])
@pytest.mark.parametrize("is_rolled", [True, False])
async def test_a_stream_that_is_added_to_the_code_runs_on_an_existing_cluster(
    is_rolled: bool,
    partitions: int,
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    others: Names,
):
    """It ended in `AssertionError: Unrecognized partition`; it may have fewer partitions or more.

    Rolled: the worker of the release before is in the group until the new one has joined it.
    """
    kafka.produce(names.source, events(range(100)), partition=3)
    old = relay(broker.address, names)
    async with running(old):
        await until(lambda: old.received == 100, "the events before")
        kafka.create_topics([others.source, others.output], partitions)
        kafka.produce(others.source, events(range(60)), partition=partitions - 1)
        new = with_both(broker, names, others)
        if is_rolled:
            await new.app.start()
            await until(lambda: committed(new, others.source) == 60, "the new stream beside the old worker")
    async with running(*[] if is_rolled else [new]):
        kafka.produce(names.source, events(range(100, 150)), partition=3)
        await until(lambda: committed(new, names.source) == 150, "the stream that was there before")
        await until(lambda: committed(new, others.source) == 60, "the new stream")
    if is_rolled:
        await new.app.stop()
    async with running(again := with_both(broker, names, others)):
        await until(lambda: committed(again, others.source) == 60, "the new stream after a restart")
        assert numbers_in(kafka.read_topic(names.output)) == list(range(150))
        assert numbers_in(kafka.read_topic(others.output)) == list(range(60))
