"""Compaction: a cluster at work in; a changelog with empty control batches, which workers read, out."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from uuid import uuid4

from chaos.cluster import Cluster
from confluent_kafka.admin._resource import ResourceType
from harness.altered import altered
from harness.compaction import COMPACTED, abort, empty_control_batches

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.samples import SAMPLE_TOPICS

ROUND_SECONDS, COMPACTED_SECONDS = 0.3, 60
BROKER = "1"


def compact(cluster: Cluster, dice: Random) -> None:
    """End all workers; have a changelog compacted as far as it goes, behind transactions of dead workers.

    Tombstones go with the control records, at once, so that no worker may keep its disk.
    """
    for worker in cluster.workers:
        assert worker.wait_ready().stop() == 0, worker.tail()
        shutil.rmtree(worker.local_store, ignore_errors=True)
    changelog = f"dataflow-{dice.choice(SAMPLE_TOPICS)}-changelog"
    eager = {name.replace("_", "."): str(value) for name, value in COMPACTED.items()}
    with altered(cluster.broker.address, ResourceType.TOPIC, changelog, eager), _often(cluster):
        asyncio.run(_until_there_are_empty_ones(cluster, changelog))
    for worker in cluster.workers:
        worker.start()


async def _until_there_are_empty_ones(cluster: Cluster, changelog: str) -> None:
    broker, deadline = cluster.broker, time.monotonic() + COMPACTED_SECONDS
    assert isinstance(broker, EmbeddedBroker)  # whose files can be looked at
    while not empty_control_batches(broker, changelog):
        assert time.monotonic() < deadline, f"no empty control batch in {changelog}"
        await abort(broker, f"dead-{uuid4().hex[:8]}", changelog)
        await asyncio.sleep(ROUND_SECONDS)


@contextmanager
def _often(cluster: Cluster) -> Iterator[None]:
    with altered(cluster.broker.address, ResourceType.BROKER, BROKER, {"log.cleaner.backoff.ms": "100"}):
        yield
