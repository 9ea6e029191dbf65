"""Workers that are asked to end: one, one after the other, and more or fewer of them."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import READY_SECONDS, Site


@fault
def end_worker(site: Site, dice: Random) -> Iterator[None]:
    """Ask any worker to end (SIGTERM), and start it again."""
    worker = dice.choice(site.workers).wait_ready(READY_SECONDS)
    assert worker.stop() == 0, worker.tail()
    yield
    worker.start()


@fault
def roll_enrichers(site: Site, _: Random) -> Iterator[None]:
    """Restart them one after the other, each when the one before is ready: a deployment."""
    for worker in site.enrichers:
        worker.wait_ready(READY_SECONDS)
        assert worker.stop() == 0, worker.tail()
        worker.start().wait_ready(READY_SECONDS)
    yield


@fault
def scale(site: Site, _: Random) -> Iterator[None]:
    """Two more enrichers, then all but two end, then the first are back: three, five, two, three."""
    more = [site.add_enricher() for _ in range(2)]
    for worker in more:
        worker.wait_ready(READY_SECONDS)
    gone = [site.enrichers[0], site.enrichers[1], more[0]]
    for worker in gone:
        assert worker.wait_ready(READY_SECONDS).stop() == 0, worker.tail()
    site.workers.remove(more[0])
    yield
    for worker in gone[:2]:
        worker.start()
    site.remove(more[1])


@fault
def swap_membership(site: Site, dice: Random) -> Iterator[None]:
    """Restart a worker as a static member, or as a dynamic one if it was static."""
    worker = dice.choice(site.enrichers).wait_ready(READY_SECONDS)
    assert worker.stop() == 0, worker.tail()
    if worker.environment.pop("DATAFLOW_INSTANCE_ID", None) is None:
        worker.environment["DATAFLOW_INSTANCE_ID"] = worker.folder.name
    worker.start()
    yield
