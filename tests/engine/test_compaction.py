"""Compaction: what a broker leaves of a transaction that was aborted, in a changelog and in a source."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from harness.compaction import COMPACTED, abort, empty_control_batches
from harness.relay import Names, events, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

pytestmark = pytest.mark.long

ROUND_SECONDS = 0.3


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Return a broker that compacts all the time."""
    often = {"log.cleaner.backoff.ms": 100, "group.min.session.timeout.ms": 1000}
    broker = EmbeddedBroker(tmp_path_factory.mktemp("compacting"), properties=often)
    broker.start()
    broker.wait_ready()
    yield broker
    broker.kill()


@pytest.fixture(scope="module")
def kafka(broker: EmbeddedBroker) -> KafkaClient:
    """Return a client of this broker."""
    return KafkaClient(broker.address)


async def test_an_empty_control_batch_is_an_empty_batch(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Every later start ended, or took partitions in vain, for ever (KAFKA-7467)."""
    names = replace(names, source=f"{names.source}-compacted")
    kafka.create_topics([names.source, names.changelog], 1, **COMPACTED)
    sent = 0
    worker = relay(broker.address, names)
    async with running(worker):
        kafka.produce(names.source, events([0]), [b"0"])
        await until(lambda: worker.received == 1, "the first event")
        await abort(broker, f"{names.group}-lost", names.source, names.changelog)
        deadline = asyncio.get_running_loop().time() + 60
        while not all(empty_control_batches(broker, topic) for topic in (names.source, names.changelog)):
            assert asyncio.get_running_loop().time() < deadline, "no empty control batch within a minute"
            sent += 1
            kafka.produce(names.source, events([sent]), [b"%d" % sent])
            await asyncio.sleep(ROUND_SECONDS)
        await until(lambda: worker.received == sent + 1, "all events")
    again, other = (
        relay(broker.address, names),
        relay(broker.address, replace(names, group=f"{names.group}-other")),
    )
    async with running(again, other):
        await until(lambda: again.received == other.received == sent + 1, "all events, from both topics")
        assert again.counts() == other.counts() == {"a": sent + 1}
