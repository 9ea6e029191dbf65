"""Loop turns: tasks that begin at once in, the turns of the loop in which each goes on out."""

import asyncio
import time
from itertools import pairwise

import pytest

from dataflow.engine.loop_turns import LONG_SECONDS, TURNS_OF_OTHERS, LoopTurns


class CountedTurns(LoopTurns):
    """Counts the turns of the loop, as long as it is asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self._count()

    def _count(self) -> None:
        self.turn += 1
        if self.turn < 100:
            asyncio.get_running_loop().call_soon(self._count)

    async def taken(self, seconds: float = 0.0) -> int:
        """Take a turn, and hold the loop for so long; return which it was."""
        await self.take()
        time.sleep(seconds)  # noqa: ASYNC251 - as a batch does
        return self.turn


async def test_only_one_goes_on_in_a_turn_of_the_loop():
    """Four partitions with a batch of five milliseconds each held every request up for twenty."""
    turns = CountedTurns()
    taken = await asyncio.gather(*(turns.taken() for _ in range(5)))
    assert taken == sorted(set(taken))


async def test_who_holds_the_loop_for_long_leaves_some_turns_to_others():
    """An answer takes several turns of the loop: with a batch in each, it took as many batches."""
    turns = CountedTurns()
    taken = await asyncio.gather(*(turns.taken(2 * LONG_SECONDS) for _ in range(3)))
    assert all(later - earlier > TURNS_OF_OTHERS for earlier, later in pairwise(taken))


async def test_who_is_alone_does_not_wait():
    """Each batch of a live stream would be later for nothing."""
    turns = CountedTurns()
    before = turns.turn
    assert await turns.taken() == before


@pytest.mark.parametrize("cancelled", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
async def test_who_is_cancelled_holds_up_nobody(cancelled: list[int]):
    """Agents are cancelled at a rebalance, also when it was just their turn."""
    turns = CountedTurns()
    first = asyncio.ensure_future(turns.taken())
    others = [asyncio.ensure_future(turns.taken()) for _ in range(4)]
    await first
    for number in cancelled:
        others[number].cancel()
    done = await asyncio.gather(*others, return_exceptions=True)
    assert [isinstance(each, BaseException) for each in done] == [n in cancelled for n in range(4)]
    async with asyncio.timeout(1):
        await turns.take()
