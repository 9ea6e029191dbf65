"""Kinds of generated events, as the catalogue declares them."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from dataflow.catalogue.declared import STREAMS
from dataflow.catalogue.stream import Stream
from dataflow.demo.generators.breakage import break_some
from dataflow.demo.generators.pace import Pace, Tick


class Generator(Protocol):
    """Makes events of one stream; what it makes depends on its seed, its rate and the times alone."""

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one event for each time, in order; there is at least one."""


KINDS: Mapping[str, Stream] = dict(
    sorted((stream.generator.name, stream) for stream in STREAMS if stream.generator)
)
"""The streams that can be generated, by the name of their generator."""


def _generator(kind: str, rng: random.Random, rate: float) -> Generator:
    declared = KINDS[kind].generator
    assert declared is not None
    module, _, name = declared.made_by.partition(":")
    make: Callable[[random.Random, float], Generator] = getattr(
        import_module(f"{__package__}.{module}"), name
    )
    return make(rng, rate)


def generate(
    kind: str, pace: Pace, *, seed: int = 0, broken: float = 0.0
) -> Iterator[tuple[Tick, list[bytes]]]:
    """Yield the ticks that have events, with their lines; the same arguments give the same bytes."""
    rng = random.Random(seed)
    generator = _generator(kind, rng, pace.rate)
    for tick in pace.ticks():
        if tick.times_us:
            lines = generator.lines(tick.times_us)
            yield tick, break_some(lines, broken, rng) if broken else lines
