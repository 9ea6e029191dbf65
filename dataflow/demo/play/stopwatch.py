"""Stopwatch: says on stderr what is done, and after how long; above a live screen where one is shown."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.cli.terminal import notes

if TYPE_CHECKING:
    from rich.console import Console


class Stopwatch:
    """Says what has been done; it runs from its making."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._console = notes()

    def __call__(self, done: str) -> None:
        """Say that something is done."""
        text = f"{time.monotonic() - self._started_at:5.1f} s  {done}"
        self._console.print(text, soft_wrap=True, highlight=False)

    @contextmanager
    def above(self, screen: "Console") -> Iterator[None]:
        """Say it above a live screen meanwhile: what another writes to a terminal would damage that."""
        before = self._console
        if screen.is_terminal:
            self._console = screen
        try:
            yield
        finally:
            self._console = before
