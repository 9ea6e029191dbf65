"""The broker of the benchmark: topics made, filled, measured and read back, by librdkafka."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

PARTITIONS = 4
ERRORS_ONLY = {"log_level": 3}
FOREVER = {"retention.ms": "-1"}
COMPACTED = {"cleanup.policy": "compact", **FOREVER}


class Cluster:
    """A plain client of one broker; topics have four partitions."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = AdminClient({"bootstrap.servers": address, **ERRORS_ONLY})

    def make_topics(self, names: Iterable[str], config: dict[str, str] = FOREVER) -> None:
        """Make topics and wait until they are led."""
        wanted = [NewTopic(name, PARTITIONS, config=config) for name in names]
        for made in self._admin.create_topics(wanted).values():
            made.result(30)
        for topic in wanted:
            self._until(partial(self._is_led, topic.topic), f"{topic.topic} has no leader")

    def keep_producer_times(self, topics: Iterable[str]) -> None:
        """Let the records of these topics keep the timestamps of producers: latency is measured by them."""
        self.alter_topics(topics, {"message.timestamp.type": "CreateTime"})

    def alter_topics(self, topics: Iterable[str], config: Mapping[str, str]) -> None:
        """Set these settings of these topics."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        asked = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries) for name in topics]
        for altered in self._admin.incremental_alter_configs(asked).values():
            altered.result(30)

    def delete_topics(self, is_old: Callable[[str], bool]) -> None:
        """Delete the topics with such names, and wait until they are gone."""
        old = [name for name in self._topics() if is_old(name) and not name.startswith("__")]
        if old:
            for gone in self._admin.delete_topics(old).values():
                gone.result(30)
            self._until(lambda: not self._topics() & set(old), f"{old} are still there")

    def fill(self, topic: str, values: Iterable[bytes]) -> None:
        """Write values with null keys, the nth to partition n % 4, in batches of up to 1 MB."""
        producer = Producer(
            {
                "bootstrap.servers": self.address,
                "linger.ms": 50,
                "queue.buffering.max.messages": 1_000_000,
                "enable.idempotence": True,
                **ERRORS_ONLY,
            }
        )
        for number, value in enumerate(values):
            while True:
                try:
                    producer.produce(topic, value, partition=number % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.1)
        unsent = producer.flush(60)
        assert unsent == 0, f"{unsent} messages not acknowledged"

    def ends(self, topics: Sequence[str]) -> list[int]:
        """Return the sum of the end offsets of each topic; markers of transactions count, too."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = dict.fromkeys((tp for topic in topics for tp in _partitions(topic)), latest)
        found = self._admin.list_offsets(asked, request_timeout=5)
        sums = dict.fromkeys(topics, 0)
        for tp, end in found.items():
            sums[tp.topic] += end.result().offset
        return list(sums.values())

    def committed(self, group: str, topic: str) -> int:
        """Return the sum of the offsets that the group has committed."""
        asked = [ConsumerGroupTopicPartitions(group, _partitions(topic))]
        try:
            found = self._admin.list_consumer_group_offsets(asked)[group].result(10)
        except KafkaException:  # nobody has been in a group yet
            return 0
        return sum(max(tp.offset, 0) for tp in found.topic_partitions)

    def read(self, topic: str, seconds: float = 120, partitions: int = PARTITIONS) -> Iterator[Message]:
        """Yield all that a read_committed reader sees by now."""
        reader = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "reader",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                **ERRORS_ONLY,
            }
        )
        reader.assign([TopicPartition(topic, n, 0) for n in range(partitions)])
        unread, deadline = partitions, time.monotonic() + seconds
        while unread and time.monotonic() < deadline:
            for message in reader.consume(10_000, 0.2):
                error = message.error()
                if error is None:
                    yield message
                else:
                    unread -= error.name() == "_PARTITION_EOF"
        reader.close()
        assert not unread, f"{topic} was not read to its end in {seconds:g} s"

    def values(self, topic: str) -> Iterator[bytes]:
        """Yield the values that a read_committed reader sees by now."""
        for message in self.read(topic):
            yield message.value() or b""

    def weigh(self, topic: str, partitions: int = PARTITIONS) -> tuple[int, int]:
        """Return how many records a read_committed reader gets, and the bytes of keys and values."""
        records = size = 0
        for message in self.read(topic, partitions=partitions):
            records += 1
            size += len(message.key() or b"") + len(message.value() or b"")
        return records, size

    def _topics(self) -> set[str]:
        return set(self._admin.list_topics(timeout=10).topics)

    def _is_led(self, topic: str) -> bool:
        partitions = self._admin.list_topics(topic, timeout=10).topics[topic].partitions.values()
        return len(partitions) == PARTITIONS and all(p.leader >= 0 for p in partitions)

    def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.05)


def _partitions(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]
