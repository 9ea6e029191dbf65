"""The simulator as a part of a worker: what ends its task ends the worker, and a foreign record does not."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from harness.relay import until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.connection import connection
from dataflow.sources import simulator as module
from dataflow.sources.simulator import LOG, Simulator


class Producer:
    """Takes events, until it breaks."""

    def __init__(self) -> None:
        self.taken = 0
        self.is_broken = False

    def put(self, *_: object) -> None:
        """Take an event."""
        if self.is_broken:
            raise ZeroDivisionError
        self.taken += 1


@pytest.fixture
async def simulation(
    broker: EmbeddedBroker, kafka: KafkaClient, unique, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SimpleNamespace]:
    """Return a simulator that has begun behind a record which nobody can read, and its producer."""
    log, producer = LOG._replace(topic=unique("simulation")), Producer()
    kafka.create_topics(log.topic, 1)
    kafka.produce(log.topic, [b"not ours", None], partition=0)
    monkeypatch.setattr(module, "LOG", log)
    simulator = Simulator(connection([broker.address]), producer)
    await simulator.start()
    assert await simulator.begin(0.001, "user ann")
    yield SimpleNamespace(simulator=simulator, producer=producer)
    await simulator.stop()


async def test_a_simulation_whose_events_fail_ends_the_worker(simulation: SimpleNamespace):
    """It went on beating: a simulation that everybody sees running, and no event."""
    await until(lambda: simulation.producer.taken > 10, "events")
    assert not simulation.simulator.crashed
    simulation.producer.is_broken = True
    await until(lambda: simulation.simulator.crashed, "the end of the service", 20)
    assert isinstance(simulation.simulator.crash_reason, ZeroDivisionError)
