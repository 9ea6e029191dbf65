"""What a test wants of a broker: an address in; topics made, messages written and read back."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import PartitionMetadata
from confluent_kafka.cimpl import NewPartitions, NewTopic

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Read:
    """A message as a read_committed reader sees it; the timestamp in ms since 1970 UTC."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


class KafkaClient:
    """A plain client by librdkafka, which shares no code with what is tested."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = AdminClient({"bootstrap.servers": address})

    @cached_property
    def _producer(self) -> Producer:
        """One for all tests: an idempotent producer takes half a second to be let in."""
        return Producer(
            {
                "bootstrap.servers": self.address,
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 2,  # brokers die in these tests
            }
        )

    def create_topics(self, names: str | Iterable[str], partitions: int = 4, **config: str | int) -> None:
        """Make topics; ``cleanup_policy="compact"`` and the like set Kafka's ``cleanup.policy``."""
        settings = {name.replace("_", "."): str(value) for name, value in config.items()}
        wanted = [names] if isinstance(names, str) else names
        made = self._admin.create_topics([NewTopic(name, partitions, config=settings) for name in wanted])
        for name, topic in made.items():
            topic.result(timeout=30)
            self._wait_for_leaders(name)

    def grow_topic(self, name: str, partitions: int) -> None:
        """Give a topic more partitions; return when they have leaders."""
        self._admin.create_partitions([NewPartitions(name, partitions)])[name].result(30)
        while len(self._admin.list_topics(name, 30).topics[name].partitions) < partitions:
            time.sleep(0.05)
        self._wait_for_leaders(name)

    def delete_topic(self, name: str) -> None:
        """Delete a topic; return when the broker no longer knows it."""
        self._admin.delete_topics([name])[name].result(timeout=30)
        while name in self._admin.list_topics(timeout=30).topics:
            time.sleep(0.05)

    def delete_records(self, topic: str, partition: int, offset: int) -> None:
        """Delete the records before an offset, as retention does."""
        wanted = TopicPartition(topic, partition, offset)
        self._admin.delete_records([wanted])[wanted].result(30)

    def produce(
        self,
        topic: str,
        values: Iterable[bytes | None],
        keys: Iterable[bytes | None] | None = None,
        headers: Headers | None = None,
        partition: int | None = None,
        timestamps: Iterable[int] | None = None,
    ) -> None:
        """Write the values in order and wait until the broker has them all; headers go on each."""
        failed: list[KafkaError] = []
        producer = self._producer
        anywhere = -1
        for value, key, timestamp in zip(values, keys or repeat(None), timestamps or repeat(0), strict=False):
            while True:
                try:
                    producer.produce(
                        topic,
                        value,
                        key,
                        partition=anywhere if partition is None else partition,
                        timestamp=timestamp,
                        headers=list(headers or ()),
                        on_delivery=lambda error, _: failed.append(error) if error else None,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        unsent = producer.flush(60)
        assert not failed, failed[:3]
        assert unsent == 0, f"{unsent} messages not acknowledged"

    def read_topic(self, topic: str, timeout_seconds: float = 30) -> list[Read]:
        """Return all that is committed by now, partition by partition in order."""
        reader = self._reader()
        try:
            return sorted(
                self._read(reader, topic, timeout_seconds), key=lambda read: (read.partition, read.offset)
            )
        finally:
            reader.close()

    def _read(self, reader: Consumer, topic: str, timeout_seconds: float) -> Iterator[Read]:
        unread = set(self._partitions(topic))
        reader.assign([TopicPartition(topic, partition, 0) for partition in unread])
        deadline = time.monotonic() + timeout_seconds
        while unread:
            assert time.monotonic() < deadline, f"partitions {unread} of {topic} not read to their end"
            for message in reader.consume(10_000, 0.1):
                error = message.error()
                if error is None:
                    yield _as_read(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                else:
                    raise KafkaException(error)

    def _wait_for_leaders(self, topic: str, timeout_seconds: float = 30) -> None:
        # A topic is made before its partitions are led: who produces at once is told to retry.
        deadline = time.monotonic() + timeout_seconds
        while not self._partitions(topic) or any(p.leader < 0 for p in self._partitions(topic).values()):
            assert time.monotonic() < deadline, f"{topic} has no leader after {timeout_seconds} s"

    def _partitions(self, topic: str) -> Mapping[int, PartitionMetadata]:
        return self._admin.list_topics(topic, timeout=30).topics[topic].partitions

    def _reader(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "read-topic",  # demanded by the library; nothing is committed
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 20,
            }
        )


def _as_read(message: Message) -> Read:
    partition, offset, (_, timestamp) = message.partition(), message.offset(), message.timestamp()
    assert partition is not None
    assert offset is not None
    headers = tuple((str(name), raw) for name, raw in _pairs(message) if isinstance(raw, bytes))
    return Read(partition, offset, message.key(), message.value(), headers, timestamp)


def _pairs(message: Message) -> Iterable[tuple[object, object]]:
    """Return the headers; the library's types also allow a mapping, which it never gives."""
    headers: Any = message.headers()
    return headers or ()
