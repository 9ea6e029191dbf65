"""Workers that die: each kind of worker killed with -9, its disk kept or lost, at its address or another."""

import shutil
from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from chaos.worker import Worker

from dataflow.demo.broker.ports import free_port


@fault
def kill_enricher(site: Site, dice: Random) -> Iterator[None]:
    """Kill it with -9; its disk is kept, lost or another's."""
    worker, other = dice.sample(site.enrichers, 2)
    worker.kill()
    disk = dice.choice(["kept", "lost", "another's"])
    files = [file.read_bytes() for file in other.local_store.glob("*.sqlite")]
    names = [file.name for file in worker.local_store.glob("*.sqlite")]
    if disk != "kept":
        shutil.rmtree(worker.local_store, ignore_errors=True)
    if disk == "another's":
        worker.local_store.mkdir()
        for name, raw in zip(names, files, strict=False):
            (worker.local_store / name).write_bytes(raw)
    yield
    worker.start()


@fault
def move_enricher(site: Site, dice: Random) -> Iterator[None]:
    """Kill it with -9 and start it at another address, as a pod is."""
    worker = dice.choice(site.enrichers)
    worker.kill()
    worker.move(free_port(*(each.port for each in site.workers)))
    yield
    worker.start()


@fault
def kill_all_enrichers(site: Site, _: Random) -> Iterator[None]:
    """Kill all at one moment, as a node that goes out."""
    yield from _killed(*site.enrichers)


@fault
def kill_ingest(site: Site, _: Random) -> Iterator[None]:
    """Kill it with -9 amid requests: senders try again."""
    yield from _killed(site.ingest)


@fault
def kill_sink_worker(site: Site, dice: Random) -> Iterator[None]:
    """Kill it with -9, wherever it is between writing and committing."""
    yield from _killed(dice.choice(site.sinks))


def _killed(*workers: Worker) -> Iterator[None]:
    for worker in workers:
        worker.kill()
    yield
    for worker in workers:
        worker.start()
