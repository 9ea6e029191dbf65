"""The timer of checkpoints: waits until there is something to write, and the pace lets it begin."""

import asyncio
from contextlib import suppress
from time import monotonic

from dataflow.engine.assignment import Assignment
from dataflow.engine.pace import CheckpointPace

LONGEST_GATHER_SECONDS = 0.5
POLL_SECONDS = 0.5


class CheckpointTimer:
    """Tells the engine when to write."""

    def __init__(self, assignment: Assignment, seconds: float) -> None:
        self.pace = CheckpointPace(seconds)
        self._assignment = assignment
        self._finished = asyncio.Event()
        self._caught_up = asyncio.Event()

    @property
    def gather_seconds(self) -> float:
        """How long the broker may gather what a fetch returns: one fetch a checkpoint."""
        return min(self.pace.interval, LONGEST_GATHER_SECONDS)

    def on_finished(self) -> None:
        """Note that a batch is finished."""
        self._finished.set()
        if not self._assignment.backlog.batches or self._assignment.needs_checkpoint():
            self._caught_up.set()

    async def wait(self) -> None:
        """Return when the next checkpoint may begin, and has something to write."""
        while not self._finished.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._finished.wait()
            if self._assignment.uncommitted():  # as where a pause has ended, or tables were adopted
                break
        since = monotonic()
        while (pause := self._pause(since)) > 0:
            self._caught_up.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._caught_up.wait()
        self._finished.clear()

    def _pause(self, since: float) -> float:
        in_progress, is_full = self._assignment.backlog.batches > 0, self._assignment.needs_checkpoint()
        return self.pace.pause(monotonic(), since, in_progress=in_progress, is_full=is_full)
