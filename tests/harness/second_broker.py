"""Two brokers, of which one can be killed: topics without copies then have partitions without a leader."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from harness.open_transaction import open_transaction
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import HOST, free_port
from dataflow.demo.broker.properties import format_storage, short_uuid
from dataflow.settings import Settings
from dataflow.topics import declared_topics

PROPERTIES: dict[str, str | int] = {"group.min.session.timeout.ms": 1000}


@dataclass(frozen=True)
class TwoBrokers:
    """The first also has the topics of Kafka itself, and goes on; the second may be killed."""

    first: EmbeddedBroker
    second: EmbeddedBroker
    kafka: KafkaClient

    def place(self, topic: str, brokers: list[int], **config: str) -> None:
        """Make a topic, each partition on one broker."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        wanted = NewTopic(
            topic, len(brokers), replica_assignment=[[number] for number in brokers], config=settings
        )
        admin = AdminClient({"bootstrap.servers": self.first.address})
        admin.create_topics([wanted])[topic].result(30)

    def place_declared(self, topic: str, brokers: list[int]) -> None:
        """Make the topics of a worker: this one with a partition on each broker, others on the first."""
        for declared in declared_topics(Settings(broker=self.first.address)):
            placed = brokers if declared.name == topic else [1] * (declared.partitions or 2)
            self.place(declared.name, placed, cleanup_policy=declared.configs["cleanup.policy"])

    def kill_second(self, topic: str) -> None:
        """Kill the second broker; return when the first knows that partitions of a topic have no leader."""
        self.second.kill()
        admin = AdminClient({"bootstrap.servers": self.first.address, "log_level": 2})
        deadline = time.monotonic() + 30
        while all(p.leader >= 0 for p in admin.list_topics(topic, 10).topics[topic].partitions.values()):
            assert time.monotonic() < deadline, f"{topic} still has leaders"
            time.sleep(0.1)

    def restart_second(self) -> None:
        """Have the second broker serve again."""
        self.second.start()
        self.second.wait_ready()


@contextmanager
def two_brokers(folder: Path) -> Iterator[TwoBrokers]:
    """Run both."""
    ports: list[int] = []
    while len(ports) < 3:
        ports.append(free_port(*ports))
    cluster, voters = short_uuid(), f"1@{HOST}:{ports[1]}"
    first = EmbeddedBroker(
        folder / "first",
        ports[0],
        properties={
            **PROPERTIES,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{HOST}:{ports[0]},CONTROLLER://{HOST}:{ports[1]}",
        },
    )
    second = EmbeddedBroker(
        folder / "second",
        ports[2],
        properties={
            **PROPERTIES,
            "node.id": 2,
            "process.roles": "broker",
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{HOST}:{ports[2]}",
        },
    )
    for number, broker in enumerate((first, second), 1):
        broker.home.mkdir(parents=True)
        format_storage(broker.home, number, cluster)
    first.start()
    try:
        first.wait_ready()
        kafka = KafkaClient(first.address)
        make_own_topics(kafka)
        second.start()
        second.wait_ready()
        yield TwoBrokers(first, second, kafka)
    finally:
        for broker in (second, first):
            broker.kill()


def make_own_topics(kafka: KafkaClient) -> None:
    """Have Kafka make the topics of its coordinators, while there is one broker."""
    kafka.create_topics("warm-up", 1)
    with open_transaction(kafka.address, "warm-up", b"{}"):
        pass
    group = Consumer({"bootstrap.servers": kafka.address, "group.id": "warm-up"})
    group.subscribe(["warm-up"])
    deadline = time.monotonic() + 30
    while not group.assignment():
        assert time.monotonic() < deadline, "no coordinator of groups"
        group.poll(0.1)
    group.close()
