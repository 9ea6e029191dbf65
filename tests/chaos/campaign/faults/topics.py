"""Topics that change: partitions are added, changelogs are compacted all the time."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry
from confluent_kafka.admin._config import ConfigResource as Resource
from confluent_kafka.admin._resource import ResourceType

from dataflow.demo.samples import SAMPLE_TOPICS

MOST_PARTITIONS = 7
EAGER = {"min.cleanable.dirty.ratio": "0.001", "segment.ms": "500", "max.compaction.lag.ms": "1000"}


@fault
def add_partition(site: Site, dice: Random) -> Iterator[None]:
    """Give a stream and its outputs one more partition, which is sent to at once."""
    stream = dice.choice(SAMPLE_TOPICS)
    if site.cluster.partitions[stream] < MOST_PARTITIONS:
        site.cluster.grow(stream)
    yield


@fault
def compact_changelogs(site: Site, _: Random) -> Iterator[None]:
    """Have brokers compact all changelogs as often as they can."""
    _set(site, AlterConfigOpType.SET)
    yield
    _set(site, AlterConfigOpType.DELETE)


def _set(site: Site, operation: AlterConfigOpType) -> None:
    changelogs = [f"dataflow-{stream}-changelog" for stream in site.cluster.partitions]
    resources = [
        Resource(
            ResourceType.TOPIC,
            changelog,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=operation) for name, value in EAGER.items()
            ],
        )
        for changelog in changelogs
    ]
    for altered in site.brokers.admin.incremental_alter_configs(resources).values():
        altered.result(30)
