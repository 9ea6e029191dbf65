"""Compaction: what a broker leaves of transactions that were aborted, in the files of its logs."""

import struct
from collections.abc import Iterator
from pathlib import Path

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
