"""Clocks: the wall clock of a worker jumps, and comes back."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site

HOUR_SECONDS = 3_600


@fault
def jump_clock(site: Site, dice: Random) -> Iterator[None]:
    """Set it an hour ahead or back; in some cases the worker restarts meanwhile."""
    worker = dice.choice(site.workers)
    worker.set_clock(dice.choice([-HOUR_SECONDS, HOUR_SECONDS]))
    if dice.random() < 0.5:
        worker.kill()
        worker.start()
    yield
    worker.set_clock(0)
