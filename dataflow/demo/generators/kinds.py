"""Kinds of generated events, as the catalogue declares them, and ways to break their lines."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from dataflow.catalogue.declared import STREAMS
from dataflow.catalogue.stream import Stream
from dataflow.demo.generators.pace import Pace, Tick

CUT = 24
"""Bytes; behind the request, what is left of a line of a web server would be whole in another format."""

_WAYS: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw[:CUT],  # cut off, as by a writer that died
    lambda raw: raw[:CUT] + b"\xff\xfe",  # cut off in another encoding
    lambda _: b"",
    lambda _: b"null",
    lambda raw: b"[" + raw[:20],
)


class Generator(Protocol):
    """Makes events of one stream; what it makes depends on its seed, its rate and the times alone."""

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one event for each time, in order; there is at least one."""


KINDS: Mapping[str, Stream] = dict(
    sorted((stream.generator.name, stream) for stream in STREAMS if stream.generator)
)
"""The streams that can be generated, by the name of their generator."""


def generator_of(kind: str, rng: random.Random, rate: float) -> Generator:
    """Return a generator of a kind; the rate says how many visitors are there at a time."""
    declared = KINDS[kind].generator
    assert declared is not None
    module, _, name = declared.made_by.partition(":")
    of_kind = import_module(f"{__package__}.{module}")
    make: Callable[[random.Random, float], Generator] = getattr(of_kind, name)
    return make(rng, rate)


def generate(
    kind: str, pace: Pace, *, seed: int = 0, broken: float = 0.0
) -> Iterator[tuple[Tick, list[bytes]]]:
    """Yield the ticks that have events, with their lines; the same arguments give the same bytes."""
    rng = random.Random(seed)
    generator = generator_of(kind, rng, pace.rate)
    for tick in pace.ticks():
        if tick.times_us:
            lines = generator.lines(tick.times_us)
            yield tick, break_some(lines, broken, rng) if broken else lines


def break_some(lines: Sequence[bytes], share: float, rng: random.Random) -> list[bytes]:
    """Return the lines, about this share of them broken, each in one of several ways."""
    chance, choose = rng.random, rng.choice
    return [choose(_WAYS)(line) if chance() < share else line for line in lines]
