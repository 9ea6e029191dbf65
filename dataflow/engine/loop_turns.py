"""Loop turns: who does much at once does it in a turn of the loop of his own."""

import asyncio
from collections import deque
from time import perf_counter
from typing import Final

LONG_SECONDS: Final = 0.001
TURNS_OF_OTHERS: Final = 5
"""An answer to a request takes about so many, and each would wait for another batch."""


class LoopTurns:
    """Lets one after the other begin, each in a turn of the loop: requests are answered in between.

    Nobody waits for the end of another one, only for the end of what he does without a pause. After
    one that took long, some turns are left to others.
    """

    def __init__(self) -> None:
        self._queue: deque[asyncio.Future[None]] = deque()
        self._is_taken = False
        self._begun_at = 0.0

    async def take(self) -> None:
        """Return at once if nobody else has begun in this turn, else in one of the next."""
        loop = asyncio.get_running_loop()
        if self._is_taken:
            mine = loop.create_future()
            self._queue.append(mine)
            await mine
        else:
            self._is_taken = True
            loop.call_soon(self._rest)
        self._begun_at = perf_counter()

    def _rest(self) -> None:
        """Come behind who has begun."""
        is_long = perf_counter() - self._begun_at > LONG_SECONDS
        self._pass_on(TURNS_OF_OTHERS if is_long else 0)

    def _pass_on(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._pass_on, turns - 1)
            return
        while self._queue:
            following = self._queue.popleft()
            if not following.done():  # else it was cancelled
                following.set_result(None)  # it begins in the next turn, and behind it this comes again
                following.get_loop().call_soon(self._rest)
                return
        self._is_taken = False
