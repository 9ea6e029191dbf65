"""A cluster under test: a broker in; the topics, any number of workers, and what is committed out."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from chaos.rights import ACCESS_CONTROL
from chaos.waiting import wait_until
from chaos.worker import Worker
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import free_port
from dataflow.demo.samples import SAMPLE_TOPICS, sample_filter_rules
from dataflow.settings import Settings
from dataflow.topics import declared_topics

PARTITIONS = 4
OUTPUTS_OF = {
    "cdn-logs": ("cdn-logs-filtered",),
    "expedia": ("expedia_ext", "expedia_test"),
    "raw-web-events": ("enriched-web-events",),
}
OUTPUTS = tuple(output for outputs in OUTPUTS_OF.values() for output in outputs)
DEAD_LETTERS = "dead-letters"
ONLY_CRITICAL = 2  # a client that tells of every lost connection would bury the failure

Place = tuple[str, int]
"""Topic and partition."""


class Broker(Protocol):
    """One broker, or several as one."""

    @property
    def address(self) -> str:
        """Where clients reach it."""

    def kill(self) -> None:
        """End it as a crash would."""

    def start(self) -> None:
        """Start it."""

    def wait_ready(self) -> None:
        """Return when it serves."""


class Cluster:
    """A broker with all topics, and the workers that a test starts."""

    def __init__(self, broker: Broker, folder: Path, /, **environment: str) -> None:
        """Make the topics; `environment` holds settings of the workers, without their prefix."""
        self.broker = broker
        self.folder = folder
        self.kafka = KafkaClient(broker.address)
        self.workers: list[Worker] = []
        self._numbers = count()
        self.partitions = dict.fromkeys(SAMPLE_TOPICS, PARTITIONS)
        """Of each stream."""
        self.environment = {
            "DATAFLOW_BROKER": broker.address,
            "DATAFLOW_FILTER_RULES": str(sample_filter_rules()),
            "DATAFLOW_SESSION_TIMEOUT_MS": "2000",
            **{f"DATAFLOW_{name.upper()}": value for name, value in environment.items()},
        }
        for topic in declared_topics(Settings(broker=broker.address)):
            # Events of the tests have times of their own; the clock of the machine has no say.
            timeless = {
                "message.timestamp.type": "CreateTime",
                "message.timestamp.after.max.ms": str(2**63 - 1),
                "retention.ms": "-1",
            }
            self.kafka.create_topics(topic.name, topic.partitions, **{**topic.configs, **timeless})
        self._admin = AdminClient({"bootstrap.servers": broker.address, "log_level": ONLY_CRITICAL})
        self._group = Consumer(
            {"bootstrap.servers": broker.address, "group.id": "dataflow", "log_level": ONLY_CRITICAL}
        )

    def start_worker(self, app: str = "dataflow.app", port: int | None = None, **environment: str) -> Worker:
        """Start a worker, on a port of its own if none is given."""
        settings = {f"DATAFLOW_{name.upper()}": value for name, value in environment.items()}
        own_port = port or free_port(*(worker.port for worker in self.workers))
        name = f"worker-{next(self._numbers)}"  # even if some are wanted no more
        environment = open_to_senders({**self.environment, **settings})
        worker = Worker(self.folder / name, own_port, environment, app)
        self.workers.append(worker)
        return worker.start()

    def committed(self, *streams: str) -> dict[Place, int]:
        """Return what the group has committed of each partition, 0 for nothing."""
        asked = [TopicPartition(s, p) for s in streams or SAMPLE_TOPICS for p in range(self.partitions[s])]
        answer = wait_until(lambda: self._asked(asked), 60, "the group's offsets")
        return {(found.topic, found.partition): max(found.offset, 0) for found in answer}

    def owners(self) -> int:
        """Return how many members of the group own partitions."""
        try:
            group = self._admin.describe_consumer_groups(["dataflow"])["dataflow"].result(30)
        except KafkaException:  # the broker has yet to choose a coordinator
            return 0
        return sum(bool(member.assignment.topic_partitions) for member in group.members)

    def _asked(self, asked: list[TopicPartition]) -> list[TopicPartition] | None:
        try:
            return self._group.committed(asked, timeout=10)
        except KafkaException:  # the broker is on its way back
            return None

    def grow(self, stream: str) -> None:
        """Give a stream one more partition, as its outputs."""
        self.partitions[stream] += 1
        for topic in (*OUTPUTS_OF[stream], stream):  # events stay in the partition of their number
            self.kafka.grow_topic(topic, self.partitions[stream])

    def wait_moving(self, seconds: float = 60, streams: Iterable[str] = SAMPLE_TOPICS) -> None:
        """Return when every partition's offset has moved on, of these streams."""
        before = self.committed(*streams)

        def all_moved() -> bool:
            self.check_alive()
            return all(at > before[place] for place, at in self.committed(*streams).items())

        wait_until(
            all_moved,
            seconds,
            lambda: f"progress of all from {before}, but {self.committed(*streams)}; {self.tails()}",
        )

    def wait_committed(self, expected: Mapping[Place, int], seconds: float = 60) -> None:
        """Return when the group has committed exactly up to these offsets."""
        streams = {stream for stream, _ in expected}
        seen: dict[Place, int] = {}

        def all_committed() -> bool:
            seen.update(self.committed(*streams))
            self.check_alive()
            return all(seen[place] == end for place, end in expected.items())

        wait_until(all_committed, seconds, lambda: f"{expected} committed, but {seen}; {self.tails()}")

    def check_alive(self) -> None:
        """Fail if a worker has ended by itself."""
        for worker in self.workers:
            code = worker.process.poll()
            assert code is None or code == -9, worker.tail()

    def tails(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(worker.tail() for worker in self.workers)

    def changelogs(self) -> dict[str, Any]:
        """Return balances and tables as a restarted worker would find them."""
        program = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("changelogs.py"))],
            env=self.workers[0].environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert program.returncode == 0, program.stderr.decode()
        kept: dict[str, Any] = json.loads(program.stdout)
        return kept


def open_to_senders(environment: Mapping[str, str]) -> dict[str, str]:
    """Let everybody send to a worker, unless its settings say who may, or that nobody is let in."""
    is_told = any(f"DATAFLOW_{name}" in environment for name in ("ACCESS_FILE", "OPEN_ROLES"))
    return {**environment, **({} if is_told else {"DATAFLOW_OPEN_ROLES": "read,send,edit,admin"})}


@contextmanager
def running_cluster(folder: Path, **environment: str) -> Iterator[Cluster]:
    """Give a cluster on a broker of its own; nothing of it is left in the end."""
    broker = EmbeddedBroker(
        folder / "broker", properties={"group.min.session.timeout.ms": 1000, **ACCESS_CONTROL}
    )
    broker.start()
    broker.wait_ready()
    cluster = Cluster(broker, folder, **environment)
    try:
        yield cluster
    finally:
        print(cluster.tails())  # pytest shows it if the test has failed
        for worker in cluster.workers:
            worker.clear_away()
        broker.kill()
