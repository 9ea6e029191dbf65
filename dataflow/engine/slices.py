"""Slices: long work as a generator, which yields where other work of the loop may come in between."""

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import Final, TypeVar

A = TypeVar("A")

SLICE_SECONDS: Final = 0.002
"""After so long other work is let in."""


async def in_slices(steps: Generator[None, None, A]) -> A:
    """Do all steps; return what they return."""
    begun = perf_counter()
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: A = done.value
            return result
        if perf_counter() - begun > SLICE_SECONDS:
            await asyncio.sleep(0)
            begun = perf_counter()
