"""The time by which a checkpoint has to be written, which can be moved nearer while it is being written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class WriteDeadline:
    """Bounds the checkpoint that is being written."""

    def __init__(self) -> None:
        self.timeout: asyncio.Timeout | None = None  # None: no checkpoint is being written

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Give what runs inside so much time; raises TimeoutError after it."""
        try:
            async with asyncio.timeout(seconds) as self.timeout:
                yield
        finally:
            self.timeout = None

    def move_to(self, deadline: float) -> None:
        """Cut off a checkpoint that is being written, at this time of the loop at the latest."""
        timeout = self.timeout
        if timeout is not None and not timeout.expired():  # else it is ending
            timeout.reschedule(min(deadline, timeout.when() or deadline))
