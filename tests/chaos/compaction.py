"""Compaction: a cluster at work in; a changelog with empty control batches, which workers read, out."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from uuid import uuid4

from chaos.cluster import Cluster
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
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
    with altered(cluster, ResourceType.TOPIC, changelog, eager), _often(cluster):
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
    with altered(cluster, ResourceType.BROKER, BROKER, {"log.cleaner.backoff.ms": "100"}):
        yield


@contextmanager
def altered(cluster: Cluster, kind: ResourceType, name: str, settings: Mapping[str, str]) -> Iterator[None]:
    """Give a topic or a broker other settings for a while."""
    admin = AdminClient({"bootstrap.servers": cluster.broker.address})

    def alter(how: AlterConfigOpType, values: Mapping[str, str]) -> None:
        if not values:
            return
        entries = [ConfigEntry(one, value, incremental_operation=how) for one, value in values.items()]
        resource = ConfigResource(kind, name, incremental_configs=entries)
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(30)

    [found] = [done.result(30) for done in admin.describe_configs([ConfigResource(kind, name)]).values()]
    before = {one: found[one].value for one in settings if not found[one].is_default}
    alter(AlterConfigOpType.SET, settings)
    try:
        yield
    finally:
        alter(AlterConfigOpType.SET, before)
        alter(AlterConfigOpType.DELETE, dict.fromkeys(settings.keys() - before.keys(), ""))
