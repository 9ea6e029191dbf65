"""The site: brokers, workers, sinks with their servers, and the load on all of it, as faults find them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.campaign.brokers import Brokers
from chaos.campaign.load import Load
from chaos.campaign.wires import Wire, Wires
from chaos.cluster import Cluster
from chaos.waiting import wait_until
from chaos.worker import Worker
from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:  # importing the servers takes seconds, and faults only use them
    from sinks.systems import ObjectStore, Postgres

ENRICHERS = 3
SESSION_MS = 3_000
READY_SECONDS = 300
INGESTED = "access-logs"
SINK_TOPICS = {"postgres": "access-logs-parsed", "s3": "enriched-web-events"}
Moving = dict[tuple[str, str, int], int]
"""Offset that each group has committed, by group, topic and partition."""


@dataclass
class Site:
    """All that a fault can break; it leaves everything as it was, at the end of its `with` block."""

    brokers: Brokers
    wires: Wires
    cluster: Cluster
    load: Load
    postgres: "Postgres"
    s3: "ObjectStore"
    to_postgres: Wire
    to_s3: Wire

    def __post_init__(self) -> None:
        """Start the workers."""
        self._readers = {group: _member(self.brokers.address, group) for group in self.groups}
        self.enrichers = [self.add_enricher(instance_id="static-1"), self.add_enricher(), self.add_enricher()]
        self.ingest = self.cluster.start_worker(role="ingest")
        self.sinks = [self.cluster.start_worker(role=f"sink-{name}") for name in SINK_TOPICS]
        for worker in self.workers:
            worker.wait_ready(READY_SECONDS)

    @property
    def workers(self) -> list[Worker]:
        """Return all workers that are wanted now."""
        return self.cluster.workers

    @property
    def groups(self) -> dict[str, list[str]]:
        """Return the topics that each consumer group reads."""
        of_sinks = {f"dataflow-sink-{name}": [topic] for name, topic in SINK_TOPICS.items()}
        return {"dataflow": [*self.cluster.partitions], **of_sinks}

    def add_enricher(self, **settings: str) -> Worker:
        """Start one more worker that enriches."""
        return self.cluster.start_worker("dataflow.app", None, role="enrich", **settings)

    def remove(self, worker: Worker) -> None:
        """End a worker, and want it no more."""
        assert worker.wait_ready(READY_SECONDS).stop() == 0, worker.tail()
        self.workers.remove(worker)

    def committed(self, group: str) -> Moving:
        """Return what a group has committed of each partition, 0 for nothing."""
        reader = self._readers[group]

        def answer() -> Moving | None:
            try:
                asked = [TopicPartition(*place) for place in self._places(group)]
                found = reader.committed(asked, timeout=10)
            except KafkaException:  # the broker that is asked is on its way back
                return None
            return {(group, each.topic, each.partition): max(each.offset, 0) for each in found}

        return wait_until(answer, 60, f"offsets of group {group}")

    def ends(self, group: str) -> dict[tuple[str, int], int]:
        """Return where each partition ends that a group reads."""
        reader = self._readers[group]
        return {
            place: reader.get_watermark_offsets(TopicPartition(*place), timeout=10)[1]
            for place in self._places(group)
        }

    def _places(self, group: str) -> list[tuple[str, int]]:
        """Return the partitions that a group reads."""
        topics = self.brokers.admin.list_topics(timeout=10).topics
        return [(topic, partition) for topic in self.groups[group] for partition in topics[topic].partitions]

    def all_committed(self) -> Moving:
        """Return what all groups have committed."""
        return {place: at for group in self.groups for place, at in self.committed(group).items()}

    def check_alive(self) -> None:
        """Fail if a worker has ended by itself."""
        for worker in self.workers:
            assert worker.process.poll() is None, worker.tail()


def _member(address: str, group: str) -> Consumer:
    """Return who may ask for the offsets of a group; it never joins."""
    return Consumer({"bootstrap.servers": address, "group.id": group, "log_level": 2})
