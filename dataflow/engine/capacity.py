"""Capacity: room for more batches, which a checkpoint makes; until then, there is backpressure."""

import asyncio
from contextlib import suppress

WAIT_SECONDS = 0.5


class Capacity(asyncio.Event):
    """Set by whoever makes room: a checkpoint that has gone through, or a new session."""

    async def wait_a_while(self) -> None:
        """Wait until there is room again, or half a second."""
        self.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), WAIT_SECONDS)
