"""Steps: long work as a generator, which yields where other work may come in between."""

from collections.abc import Generator, Iterable, Iterator
from typing import TypeAlias, TypeVar

A = TypeVar("A")

Steps: TypeAlias = Generator[None, None, A]


def finish(steps: Steps[A]) -> A:
    """Do all steps at once; return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: A = done.value
            return result


def with_breaks(items: Iterable[A], every: int) -> Iterator[A | None]:
    """Yield the items, and None after each so many."""
    for number, item in enumerate(items, 1):
        yield item
        if number % every == 0:
            yield None
