"""The registry of faults: each file of `faults` adds its own; one more is one more short function."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from random import Random

from chaos.campaign.site import Site

Fault = Callable[[Site, Random], AbstractContextManager[None]]
"""Breaks something, and mends it at the end of its `with` block; the dice decide what, and how."""

_FAULTS: dict[str, Fault] = {}


def fault(breaks: Callable[[Site, Random], Iterator[None]]) -> Fault:
    """Add a fault: break before the `yield`, mend behind it."""
    _FAULTS[breaks.__name__] = contextmanager(breaks)
    return _FAULTS[breaks.__name__]


def all_faults() -> dict[str, Fault]:
    """Return every fault by its name."""
    for file in sorted((Path(__file__).parent / "faults").glob("*.py")):
        import_module(f"chaos.campaign.faults.{file.stem}")
    return dict(sorted(_FAULTS.items()))
