"""Torments: a cluster at work in; a worker or the broker killed, frozen or ended, and back at work, out."""

import shutil
import time
from collections.abc import Callable
from random import Random

from chaos.cluster import Cluster
from chaos.waiting import wait_until
from chaos.worker import Worker

from dataflow.demo.broker.ports import free_port

Torment = Callable[[Cluster, Random], None]


def kill(cluster: Cluster, dice: Random) -> None:
    """Kill a worker with -9, its disk kept, lost or another's.

    It is back at once, or only when the others have its partitions.
    """
    worker = _one_of(cluster, dice)
    worker.kill()
    dice.choice([_keep_disk, _lose_disk, _swap_disk])(worker, _one_of(cluster, dice))
    if dice.random() < 0.5:
        cluster.wait_moving()
    worker.start()


def _keep_disk(worker: Worker, other: Worker) -> None:
    """Leave it as it was at that moment."""


def _lose_disk(worker: Worker, other: Worker) -> None:
    shutil.rmtree(worker.local_store, ignore_errors=True)


def _swap_disk(worker: Worker, other: Worker) -> None:
    """Give it the file of another worker, which may be writing to it; none if it has none."""
    names = [file.name for file in worker.local_store.glob("*.sqlite")]
    others = [file.read_bytes() for file in other.local_store.glob("*.sqlite")]
    _lose_disk(worker, other)
    worker.local_store.mkdir()
    for name, raw in zip(names, others, strict=False):
        (worker.local_store / name).write_bytes(raw)


def move(cluster: Cluster, dice: Random) -> None:
    """Kill a worker with -9 and start it at another address, as a pod is, within its session or after it."""
    worker = _one_of(cluster, dice)
    worker.kill()
    worker.move(free_port(*(each.port for each in cluster.workers)))
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
    worker = _one_of(cluster, dice).wait_ready()  # one that is being imported just dies
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
