"""Check turns: which of the passwords that were sent is checked next; nobody waits behind guessers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import attrgetter

from dataflow.access.login_delays import LoginDelays, Rank, network_of
from dataflow.http_error import HttpError, overloaded

CHECKS_AT_ONCE = 2
MOST_QUEUED = 16
"""A few seconds of checks; whoever is further behind has to come again, and is then ahead of newer ones."""


@dataclass(frozen=True, slots=True, eq=False)
class _Queued:
    rank: Rank
    turn: asyncio.Future[None]


class CheckTurns:
    """Gives turns by the rank of addresses: a guesser has failed before, or has come later."""

    def __init__(self, delays: LoginDelays) -> None:
        self._delays = delays
        self._running = 0
        self._queue: list[_Queued] = []
        self._asked: Counter[str] = Counter()  # by networks that wait for a turn, or have one

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends; raise `HttpError` (429) when too many wait."""
        failures, first_at = self._delays.rank(address)
        network = network_of(address)
        rank = failures + self._asked[network], first_at  # what is not checked yet may fail, too
        self._asked[network] += 1
        try:
            await self._wait(rank)
            try:
                yield
            finally:
                self._hand_over()
        finally:
            self._asked -= Counter([network])

    async def _wait(self, rank: Rank) -> None:
        if self._running < CHECKS_AT_ONCE:
            self._running += 1
            return
        queued = _Queued(rank, asyncio.get_running_loop().create_future())
        self._queue.append(queued)
        if len(self._queue) > MOST_QUEUED:
            last = self._taken(max)
            if not last.turn.done():  # one that is done was cancelled
                last.turn.set_exception(_too_many())
        try:
            await queued.turn
        except asyncio.CancelledError:
            if queued in self._queue:
                self._queue.remove(queued)
            elif queued.turn.done() and not queued.turn.cancelled() and not queued.turn.exception():
                self._hand_over()
            raise

    def _hand_over(self) -> None:
        while self._queue:
            first = self._taken(min)
            if not first.turn.done():
                first.turn.set_result(None)
                return
        self._running -= 1

    def _taken(self, chosen: Callable[..., _Queued]) -> _Queued:
        """Take the first (min) or the last (max) out of the queue."""
        queued = chosen(self._queue, key=attrgetter("rank"))
        self._queue.remove(queued)
        return queued


def _too_many() -> HttpError:
    return overloaded("too many passwords are being checked; expected fewer at once")
