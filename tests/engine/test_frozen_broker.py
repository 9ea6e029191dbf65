"""A broker that is frozen: connections stay open, and nothing comes."""

import os
import signal
from collections.abc import Callable

import pytest
from harness.relay import Names, events, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long

SOON_SECONDS = 20  # aiokafka waits twice as long for an answer to a heartbeat


async def test_a_worker_whose_broker_is_frozen_is_not_ready_until_it_answers(
    own_broker: EmbeddedBroker, unique: Callable[[str], str]
):
    """For 40 s it was ready, and no event came through."""
    names, kafka = Names.of(unique), KafkaClient(own_broker.address)
    kafka.create_topics(names.topics, 4)
    worker = relay(own_broker.address, names)
    watch = worker.app.watch
    async with running(worker):
        await until(lambda: watch.obstacle is None, "a worker that is ready")
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            await until(lambda: "does not answer" in (watch.obstacle or ""), "a word", SOON_SECONDS)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        await until(lambda: watch.obstacle is None, "a worker that is ready again")
        kafka.produce(names.source, events(range(100)))
        await until(lambda: worker.received == 100, "all events")
