"""Loop turns: who does much at once does it in a turn of the loop of his own."""

import asyncio
from collections import deque


class LoopTurns:
    """Lets one after the other begin, each in the next turn of the loop: requests are answered in between.

    Nobody waits for the end of another one, only for the end of what he does without a pause.
    """

    def __init__(self) -> None:
        self._queue: deque[asyncio.Future[None]] = deque()
        self._is_taken = False

    async def take(self) -> None:
        """Return at once if nobody else has begun in this turn, else in one of the next."""
        loop = asyncio.get_running_loop()
        if self._is_taken:
            mine = loop.create_future()
            self._queue.append(mine)
            await mine
        else:
            self._is_taken = True
            loop.call_soon(self._pass_on)

    def _pass_on(self) -> None:
        while self._queue:
            following = self._queue.popleft()
            if not following.done():  # else it was cancelled
                following.set_result(None)  # it begins in the next turn, and behind it this comes again
                following.get_loop().call_soon(self._pass_on)
                return
        self._is_taken = False
