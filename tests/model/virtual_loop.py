"""A virtual loop: an event loop whose clock only moves when a test says so, and then at once."""

import asyncio
from collections.abc import Coroutine
from selectors import DefaultSelector, SelectorKey
from typing import Any

TURNS = 40
"""So often everybody may go on until nothing more happens by itself."""


class Instant(DefaultSelector):
    """Waits for nothing: what would be waited for has passed."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Let so much time pass."""
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs everything that can run, and lets time pass on demand."""

    def __init__(self) -> None:
        self._instant = Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        """Return its own time."""
        return self._instant.now

    def settle(self) -> None:
        """Let everybody go on who need not wait."""
        self.run_until_complete(_turns())

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until_complete(asyncio.sleep(seconds))
        self.settle()

    def do(self, work: Coroutine[Any, Any, object]) -> "asyncio.Task[object]":
        """Begin something, and let it come as far as it does by itself."""
        task = self.create_task(work)
        self.settle()
        return task


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
