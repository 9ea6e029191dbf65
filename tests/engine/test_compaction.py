"""Compaction: what a broker leaves of a transaction that was aborted, in a changelog and in a source."""

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.relay import Names, events, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.clients import drop
from dataflow.kafka.connection import connection
from dataflow.kafka.producers import TransactionalProducer

COMPACTED = {
    "cleanup_policy": "compact",
    "segment_ms": 200,
    "min_cleanable_dirty_ratio": 0.001,
    "delete_retention_ms": 0,
}
HEADER = struct.Struct(">qiibIhiqqqhii")  # of a record batch, up to the number of its records
CONTROL = 1 << 5
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


def empty_control_batches(broker: EmbeddedBroker, topic: str) -> int:
    """Return how many batches without a record the first partition of a topic has for control records."""
    return sum(
        bool(attributes & CONTROL) and not count
        for file in (broker.home / "data" / f"{topic}-0").glob("*.log")
        for attributes, count in _batches(file)
    )


def _batches(file: Path) -> Iterator[tuple[int, int]]:
    try:
        raw, at = file.read_bytes(), 0
    except FileNotFoundError:  # it has just been compacted
        return
    while at + HEADER.size <= len(raw):
        _, length, _, _, _, attributes, *_, count = HEADER.unpack_from(raw, at)
        if not length:
            return  # room that is not written yet
        yield attributes, count
        at += 12 + length


async def abort(broker: EmbeddedBroker, transactional_id: str, *topics: str) -> None:
    """Do what a worker does that is killed amid a transaction, and who takes over from it."""
    dead, heir = (
        TransactionalProducer(connection([broker.address]), transactional_id, None) for _ in range(2)
    )
    await dead.start()
    await dead.begin_transaction()
    for topic in topics:
        await dead.send(topic, b"lost", key=b"per_kind|all|0|lost", partition=0)
    await dead.acknowledged()
    await heir.start()
    for producer in (dead, heir):
        await drop(producer)


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
