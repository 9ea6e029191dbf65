"""Torments: a cluster at work in; a worker or the broker killed, frozen or ended, and back at work, out."""

import time
from collections.abc import Callable
from random import Random

from chaos.cluster import Cluster
from chaos.waiting import wait_until
from chaos.worker import Worker

Torment = Callable[[Cluster, Random], None]


def kill(cluster: Cluster, dice: Random) -> None:
    """Kill a worker with -9; it is back at once, or only when the others have its partitions."""
    worker = _one_of(cluster, dice)
    worker.kill()
    if dice.random() < 0.5:
        cluster.wait_moving()
    worker.start()


def freeze(cluster: Cluster, dice: Random) -> None:
    """Stop a worker past its session, and wake it up when others have its partitions: a zombie."""
    worker = _one_of(cluster, dice)
    worker.freeze()
    cluster.wait_moving()
    worker.wake()


def end(cluster: Cluster, dice: Random) -> None:
    """Ask a worker to end, as a deployment does, and start it again."""
    worker = _one_of(cluster, dice)
    assert worker.stop() == 0, worker.tail()
    worker.start()


def break_broker(cluster: Cluster, _: Random) -> None:
    """Kill the broker with -9 and start it again on its data."""
    cluster.broker.kill()
    cluster.broker.start()
    cluster.broker.wait_ready()


def torment(cluster: Cluster, dice: Random, how: Torment) -> float:
    """Do it at a random instant; return the seconds until every partition moves again."""
    _wait_for_more(cluster, dice.randrange(500, 5_000))
    began = time.monotonic()
    how(cluster, dice)
    cluster.wait_moving()
    cluster.check_alive()
    return time.monotonic() - began


def _wait_for_more(cluster: Cluster, events: int) -> None:
    enough = sum(cluster.committed().values()) + events
    wait_until(
        lambda: sum(cluster.committed().values()) >= enough,
        60,
        lambda: f"{events} more events; {cluster.tails()}",
    )


def _one_of(cluster: Cluster, dice: Random) -> Worker:
    return dice.choice(cluster.workers)
