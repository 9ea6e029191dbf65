"""Rights that are taken away: of one stream, and of what no stream can do without."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from chaos.cluster import OUTPUTS_OF
from chaos.rights import Right, denied
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from dataflow.demo.samples import SAMPLE_TOPICS


@fault
def deny_topic(site: Site, dice: Random) -> Iterator[None]:
    """Deny a topic of one stream, or its changelog, or one of its outputs."""
    stream = dice.choice(SAMPLE_TOPICS)
    topic, operation = dice.choice(
        [
            (f"dataflow-{stream}-changelog", AclOperation.READ),
            (f"dataflow-{stream}-changelog", AclOperation.WRITE),
            *((output, AclOperation.WRITE) for output in OUTPUTS_OF[stream]),
        ]
    )
    with denied(site.brokers.address, Right(ResourceType.TOPIC, topic, operation)):
        yield


@fault
def deny_worker(site: Site, dice: Random) -> Iterator[None]:
    """Deny the group, or transactions."""
    kind, name, operation = dice.choice(
        [
            (ResourceType.GROUP, "dataflow", AclOperation.READ),
            (ResourceType.TRANSACTIONAL_ID, "dataflow-", AclOperation.WRITE),
        ]
    )
    with denied(site.brokers.address, Right(kind, name, operation)):
        yield
