"""Check turns: which of the passwords that were sent is checked next; nobody waits behind guessers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dataflow.access.login_delays import LoginDelays, Rank
from dataflow.http_error import HttpError, overloaded

CHECKS_AT_ONCE = 2
MOST_QUEUED = 16
"""A few seconds of checks; whoever is further behind has to come again, and is then ahead of newer ones."""


@dataclass(frozen=True, slots=True, order=True)
class _Queued:
    rank: Rank
    turn: asyncio.Future[None] = field(compare=False)


class CheckTurns:
    """Gives turns by the rank of addresses: a guesser has failed before, or has come later."""

    def __init__(self, delays: LoginDelays) -> None:
        self._delays = delays
        self._running = 0
        self._queue: list[_Queued] = []

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends; raise `HttpError` (429) when too many wait."""
        rank = self._delays.rank(address)
        if self._running < CHECKS_AT_ONCE:
            self._running += 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._hand_over()

    async def _wait(self, rank: Rank) -> None:
        queued = _Queued(rank, asyncio.get_running_loop().create_future())
        self._queue.append(queued)
        if len(self._queue) > MOST_QUEUED:
            last = max(self._queue)
            self._queue.remove(last)
            last.turn.set_exception(_too_many())
        try:
            await queued.turn
        except asyncio.CancelledError:
            if queued in self._queue:
                self._queue.remove(queued)
            elif queued.turn.done() and not queued.turn.cancelled():
                self._hand_over()
            raise

    def _hand_over(self) -> None:
        if self._queue:
            first = min(self._queue)
            self._queue.remove(first)
            first.turn.set_result(None)
        else:
            self._running -= 1


def _too_many() -> HttpError:
    return overloaded("too many passwords are being checked; expected fewer at once")
