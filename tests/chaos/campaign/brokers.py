"""Three brokers: a folder in; a Kafka cluster out that keeps three copies, reached by workers over wires."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chaos.campaign.wires import Wires
from chaos.rights import ACCESS_CONTROL
from chaos.waiting import wait_until
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.kafka import SMALL_JVM
from dataflow.demo.broker.ports import HOST, free_port
from dataflow.demo.broker.properties import format_storage, short_uuid
from dataflow.errors import DataflowError, Misconfigured

NODES = 3
LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="node" password="node"'
# Controllers vote before any rule of access is known: only a superuser may then, and no worker is one.
AMONG_THEMSELVES = {
    "super.users": "User:node",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.controller.plain.sasl.jaas.config": f'{LOGIN} user_node="node";',
}
PROPERTIES: dict[str, str | int] = {
    **ACCESS_CONTROL,
    **AMONG_THEMSELVES,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,WORKERS:PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "default.replication.factor": NODES,
    "min.insync.replicas": NODES - 1,
    "offsets.topic.replication.factor": NODES,
    "transaction.state.log.replication.factor": NODES,
    "transaction.state.log.min.isr": NODES - 1,
    "broker.session.timeout.ms": 9_000,  # a busy machine is no dead broker
    "group.min.session.timeout.ms": 1_000,
    "log.retention.check.interval.ms": 86_400_000,
    "log.cleaner.backoff.ms": 500,
    "log.cleaner.threads": 1,
    "num.network.threads": 2,
    "num.io.threads": 4,
}
SMALL_HEAP = (*SMALL_JVM[:-1], "-Xmx192m")
UP_SECONDS = 180
ASK_SECONDS, ASKED_TIMES = 20, 6


class Node:
    """One of the brokers; it keeps its ports."""

    def __init__(self, folder: Path, number: int, port: int, properties: dict[str, str | int]) -> None:
        self.number = number
        self.port = port
        self.broker = EmbeddedBroker(folder, port, jvm=SMALL_HEAP, properties=properties)

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self.broker.start()
        self.broker.wait_ready(UP_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        self.broker.kill()

    def stop(self) -> None:
        """Have it hand over what it leads, and end."""
        self.broker.stop(60)

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        try:
            self.broker.check()
        except DataflowError:
            return False
        return True

    def freeze(self) -> None:
        """Stop it where it stands: others must take it for dead."""
        os.kill(self.broker.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        os.kill(self.broker.pid, signal.SIGCONT)


class Brokers:
    """The cluster; tests reach it directly, workers over wires that can be cut."""

    def __init__(self, folder: Path, wires: Wires) -> None:
        ports: list[int] = []
        while len(ports) < 3 * NODES:
            ports.append(free_port(*ports))
        own, inner, control = ports[:NODES], ports[NODES : 2 * NODES], ports[2 * NODES :]
        voters = ",".join(f"{number}@{HOST}:{port}" for number, port in enumerate(control, 1))
        self.wires = [wires.add(port, *ports) for port in inner]
        self.nodes: list[Node] = []
        cluster_id = short_uuid()
        for number, (port, within, wire, other) in enumerate(
            zip(own, inner, self.wires, control, strict=True), 1
        ):
            home = folder / f"broker-{number}"
            home.mkdir(parents=True)
            format_storage(home, number, cluster_id)
            outside = f"PLAINTEXT://{HOST}:{port},WORKERS://{HOST}"
            listeners: dict[str, str | int] = {
                "node.id": number,
                "controller.quorum.voters": voters,
                "listeners": f"{outside}:{within},CONTROLLER://{HOST}:{other}",
                "advertised.listeners": f"{outside}:{wire.port}",
            }
            self.nodes.append(Node(home, number, port, {**PROPERTIES, **listeners}))
        self.address = ",".join(f"{HOST}:{port}" for port in own)
        self.for_workers = ",".join(f"{HOST}:{wire.port}" for wire in self.wires)
        self._as_admin: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.address,
            "log_level": 2,
        }
        self.admin = AdminClient(self._as_admin)

    def start(self) -> None:
        """Start all."""
        for node in self.nodes:
            node.broker.start()  # none is ready before there are two

    def wait_ready(self) -> None:
        """Return when all serve."""
        for node in self.nodes:
            node.broker.wait_ready(UP_SECONDS)
        self._wait(lambda: len(self.admin.list_topics(timeout=10).brokers) == NODES, "all brokers")

    def kill(self) -> None:
        """End all that were started."""
        for node in self.nodes:
            with suppress(Misconfigured):  # it was not
                node.kill()

    def wait_in_sync(self) -> None:
        """Return when every partition has all of its copies again."""
        self._wait(lambda: not self._out_of_sync(), lambda: f"copies of {self._out_of_sync()}")

    def coordinator(self, group: str) -> int:
        """Return which node coordinates a group; on a busy machine a question may get lost."""
        errors = []
        for _ in range(ASKED_TIMES):
            admin = AdminClient(self._as_admin)  # one that knows no coordinator from before
            asked = admin.describe_consumer_groups([group], request_timeout=ASK_SECONDS)
            try:
                return int(asked[group].result().coordinator.id)
            except KafkaException as error:
                errors.append(error)
        raise AssertionError(f"coordinator of {group} is not known: {errors}")

    def leaders(self, topic: str) -> list[int]:
        """Return which node leads each partition of a topic."""
        return [
            p.leader for _, p in sorted(self.admin.list_topics(topic, 30).topics[topic].partitions.items())
        ]

    def _out_of_sync(self) -> list[str]:
        topics = self.admin.list_topics(timeout=10).topics
        return [
            f"{name}/{number}"
            for name, topic in topics.items()
            for number, partition in topic.partitions.items()
            if len(partition.isrs) < NODES or partition.leader < 0
        ]

    def _wait(self, is_so: Callable[[], bool], what: str | Callable[[], str]) -> None:
        def holds() -> bool:
            try:
                return is_so()
            except KafkaException:  # one is on its way back
                return False

        wait_until(holds, UP_SECONDS, what)
