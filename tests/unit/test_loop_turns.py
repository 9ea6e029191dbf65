"""Loop turns: tasks that begin at once in, the turns of the loop in which each goes on out."""

import asyncio

import pytest

from dataflow.engine.loop_turns import LoopTurns


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

    async def taken(self) -> int:
        """Take a turn; return which it was."""
        await self.take()
        return self.turn


async def test_only_one_goes_on_in_a_turn_of_the_loop():
    """Four partitions with a batch of five milliseconds each held every request up for twenty."""
    turns = CountedTurns()
    taken = await asyncio.gather(*(turns.taken() for _ in range(5)))
    assert taken == sorted(set(taken))


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
