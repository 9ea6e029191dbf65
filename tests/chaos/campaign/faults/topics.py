"""Topics that change: partitions are added, changelogs are compacted all the time."""

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from confluent_kafka.admin._resource import ResourceType
from harness.altered import altered

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
    with ExitStack() as mended:
        for stream in site.cluster.partitions:
            changelog = f"dataflow-{stream}-changelog"
            mended.enter_context(altered(site.cluster.broker.address, ResourceType.TOPIC, changelog, EAGER))
        yield
