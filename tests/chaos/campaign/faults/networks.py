"""Networks that fail between workers and brokers: cut, black hole, half open, slow."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from chaos.campaign.wires import Wire


@fault
def cut_brokers(site: Site, dice: Random) -> Iterator[None]:
    """Reset connections to one broker or to all, and refuse new ones."""
    wires = _some(site, dice)
    for wire in wires:
        wire.cut()
    yield
    for wire in wires:
        wire.mend()


@fault
def black_hole(site: Site, dice: Random) -> Iterator[None]:
    """Keep connections open, and lose all that is sent either way."""
    yield from _swallowed(_some(site, dice), only_answers=False)


@fault
def half_open(site: Site, dice: Random) -> Iterator[None]:
    """Lose only what brokers answer: what was written is there, and nobody knows."""
    yield from _swallowed(_some(site, dice), only_answers=True)


@fault
def slow_network(site: Site, dice: Random) -> Iterator[None]:
    """Let each packet take up to half a second."""
    for wire in site.brokers.wires:
        wire.slow(dice.uniform(0.05, 0.5))
    yield
    for wire in site.brokers.wires:
        wire.hurry()


def _some(site: Site, dice: Random) -> list[Wire]:
    return dice.sample(site.brokers.wires, dice.choice([1, len(site.brokers.wires)]))


def _swallowed(wires: list[Wire], *, only_answers: bool) -> Iterator[None]:
    for wire in wires:
        wire.swallow(only_answers=only_answers)
    yield
    for wire in wires:
        wire.mend()
