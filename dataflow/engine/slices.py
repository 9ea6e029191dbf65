"""Slices: long work of the loop, between whose steps other work comes in."""

import asyncio
from time import perf_counter
from typing import Final, TypeVar

from dataflow.engine.tables.steps import Steps

A = TypeVar("A")

SLICE_SECONDS: Final = 0.002
"""After so long other work is let in."""


async def in_slices(steps: Steps[A]) -> A:
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
