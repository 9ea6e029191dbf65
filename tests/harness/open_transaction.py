"""A foreign producer: a topic in; a transaction on its first partition that stays open for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer


@contextmanager
def open_transaction(address: str, topic: str, value: bytes, key: bytes | None = None) -> Iterator[None]:
    """Write a record in a transaction that stays open for a while, and is aborted then."""
    producer = Producer({"bootstrap.servers": address, "transactional.id": f"foreign-{topic}"})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(topic, value, key=key, partition=0)
    producer.flush()
    yield
    producer.abort_transaction()
