"""Walks: what goes over bytes from outside, and makers of its worst cases of any size."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dataflow.engine.stage import EVENT_FAULTS, DroppedEvent
from dataflow.errors import DataflowError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["MOST", "Make", "Walk", "all_of", "in_pieces", "of_text", "repeated", "some", "tolerant", "zstd"]

Make = Callable[[int], bytes]
"""Returns an input of about so many bytes."""

MOST = 1 << 30


@dataclass(frozen=True, slots=True)
class Walk:
    """One function, and the inputs on which it has most to do."""

    run: Callable[[bytes], object]
    worst: Mapping[str, Make]


def all_of(walk: Callable[[bytes], Iterable[object]]) -> Callable[[bytes], None]:
    """Return what walks to the end, or to the fault."""

    def run(raw: bytes) -> None:
        for _ in walk(raw):
            pass

    return tolerant(run)


def tolerant(walk: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return a walk that ends at what is refused, too."""

    def run(raw: bytes) -> None:
        try:
            walk(raw)
        except (DataflowError, DroppedEvent, *EVENT_FAULTS):
            pass

    return run


def of_text(walk: Callable[[str], object]) -> Callable[[bytes], None]:
    """Return a walk over the text of bytes."""
    return tolerant(lambda raw: walk(raw.decode("latin-1")))


def in_pieces(raw: bytes, size: int) -> Iterable[bytes]:
    """Return the pieces of an input."""
    return iter([raw[at : at + size] for at in range(0, len(raw), size)])


def repeated(unit: bytes, before: bytes = b"", behind: bytes = b"") -> Make:
    """Return a maker of a text between two others, again and again."""
    return lambda size: before + unit * (size // len(unit)) + behind


def some(worst: Mapping[str, Make], *names: str) -> Mapping[str, Make]:
    """Return a part of the worst cases of several walks."""
    return {name: worst[name] for name in names}
