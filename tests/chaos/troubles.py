"""Troubles: a cluster at work in; what operators and clocks do to it, and that it behaves well, out."""

from collections.abc import Iterable
from random import Random

from chaos.cluster import OUTPUTS_OF, Cluster
from chaos.rights import Right, denied
from chaos.waiting import wait_until
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from dataflow.demo.samples import SAMPLE_TOPICS

HOUR = 3_600
CLOCKS_SECONDS = (-3 * 24 * HOUR, -2 * HOUR, -90, 90, 2 * HOUR, 3 * 24 * HOUR)
NOTICED_SECONDS = 60


def deny_topic(cluster: Cluster, dice: Random) -> None:
    """Deny a topic of one stream: that stream pauses and says why, all others move on."""
    stream = dice.choice(SAMPLE_TOPICS)
    topic, operation = dice.choice(
        [
            (stream, AclOperation.READ),
            (f"dataflow-{stream}-changelog", AclOperation.READ),
            (f"dataflow-{stream}-changelog", AclOperation.WRITE),
            *((output, AclOperation.WRITE) for output in OUTPUTS_OF[stream]),
        ]
    )
    with denied(cluster.broker.address, Right(ResourceType.TOPIC, topic, operation)):
        _wait_told(cluster, "/readyz", f"denied operation {operation.name} on topic {topic}")
        cluster.wait_moving(streams=[other for other in SAMPLE_TOPICS if other != stream])


def deny_all(cluster: Cluster, dice: Random) -> None:
    """Deny what no stream can do without: workers are not ready, and say what they wait for."""
    kind, named, operation = dice.choice(
        [
            (ResourceType.GROUP, "group dataflow", AclOperation.READ),
            (ResourceType.TRANSACTIONAL_ID, "transactional id dataflow-", AclOperation.WRITE),
        ]
    )
    with denied(cluster.broker.address, Right(kind, named.rpartition(" ")[2], operation)):
        _wait_told(cluster, "/readyz", f"denied operation {operation.name} on {named}")


def grow(cluster: Cluster, dice: Random) -> None:
    """Give a stream one more partition, amid the feed, which sends to it at once."""
    cluster.grow(dice.choice(SAMPLE_TOPICS))


def set_clock(cluster: Cluster, dice: Random) -> None:
    """Set the wall clock of a worker wrong, and right again when all moves; it may restart meanwhile."""
    worker = dice.choice(cluster.workers)
    worker.set_clock(dice.choice(CLOCKS_SECONDS))
    if dice.random() < 0.5:
        worker.kill()
        worker.start()
    cluster.wait_moving()
    assert not _told(cluster, "/streams", "'state': 'paused'"), cluster.tails()
    worker.set_clock(0)


def _wait_told(cluster: Cluster, path: str, what: str) -> None:
    wait_until(
        lambda: _told(cluster, path, what),
        NOTICED_SECONDS,
        lambda: f"{what!r} in {path} of a worker, but {[*_answers(cluster, path)]}; {cluster.tails()}",
    )


def _told(cluster: Cluster, path: str, what: str) -> bool:
    return any(what in answer for answer in _answers(cluster, path))


def _answers(cluster: Cluster, path: str) -> Iterable[str]:
    return (str(worker.ask(path)[1]) for worker in cluster.workers)
