"""Server properties: the settings of a one-node Kafka, written to its folder."""

import base64
import uuid
from collections.abc import Mapping
from pathlib import Path

from dataflow.demo.broker.ports import HOST

Properties = Mapping[str, str | int]

# One node: no copies. Few partitions for Kafka's own topics: each costs files and start time.
ONE_NODE: Properties = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
    "auto.create.topics.enable": "false",
    "num.partitions": 4,
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    # Linux may fill an index with zeros at its first write: with 10 MiB, 20 ms of CPU for each partition.
    "log.index.size.max.bytes": 262_144,
    "log.cleaner.dedupe.buffer.size": 2_097_153,  # least it takes; the default is 128 MB of heap
    "broker.session.timeout.ms": 2000,  # how long a killed broker blocks its own return
    "broker.heartbeat.interval.ms": 300,
}


def write_properties(home: Path, port: int, control: int, more: Properties) -> Path:
    """Write the settings of the next run and return their file; ``more`` comes last and wins."""
    settings: Properties = {
        **ONE_NODE,
        "log.dirs": str(home / "data"),
        "controller.quorum.voters": f"1@{HOST}:{control}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{control}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        **more,
    }
    path = home / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def format_storage(home: Path, node: int = 1, cluster_id: str | None = None) -> None:
    """Make the data folder of a node, of a new cluster if none is named; leave an existing one as it is.

    Writes what Kafka's own format tool writes for one node, without starting a JVM for it.
    """
    meta = home / "data" / "meta.properties"
    if meta.exists():
        return
    meta.parent.mkdir(parents=True, exist_ok=True)
    cluster = cluster_id or short_uuid()
    meta.write_text(f"version=1\ncluster.id={cluster}\nnode.id={node}\ndirectory.id={short_uuid()}\n")


def short_uuid() -> str:
    """Return a random id as Kafka writes them."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
