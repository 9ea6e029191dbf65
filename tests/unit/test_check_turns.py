"""Check turns: whose password is checked next, and that nobody waits behind guessers for good."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from dataflow.access.check_turns import CHECKS_AT_ONCE, MOST_QUEUED, CheckTurns
from dataflow.access.login_delays import LoginDelays
from dataflow.http_error import HttpError

SENDER = "192.0.2.1"
ALL_TURNS = CHECKS_AT_ONCE + MOST_QUEUED


class Logins:
    """Logins that are checked when the test says so; all but the sender's fail."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.delays = LoginDelays(lambda: self.now)
        self.turns = CheckTurns(self.delays)
        self.checked: list[str] = []
        self.refused: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._checks = asyncio.Semaphore(0)

    async def come(self, *addresses: str) -> None:
        """Let these come, a second after the ones before."""
        self.now += 1
        self.tasks += [asyncio.create_task(self._log_in(address)) for address in addresses]
        for _ in range(3):  # each waits for its turn, and who is refused for that is told
            await asyncio.sleep(0)

    async def check(self, count: int) -> None:
        """Check so many passwords."""
        for _ in range(count):
            self._checks.release()
            for _ in range(4):  # it ends, and another one has its turn
                await asyncio.sleep(0)

    async def _log_in(self, address: str) -> None:
        try:
            async with self.turns.turn(address):
                await self._checks.acquire()
                self.checked.append(address)
                if address != SENDER:
                    self.delays.failed(address)
        except HttpError:
            self.refused.append(address)


@pytest.fixture
async def logins() -> AsyncIterator[Logins]:
    """Return logins; nobody is left waiting."""
    logins = Logins()
    yield logins
    for task in logins.tasks:
        task.cancel()
    await asyncio.gather(*logins.tasks, return_exceptions=True)


def guessers(network: int, count: int) -> list[str]:
    """Return addresses that nobody has seen before."""
    return [f"198.51.{network}.{number}" for number in range(count)]


async def test_a_sender_that_comes_again_is_ahead_of_addresses_that_nobody_has_seen(logins: Logins):
    """64 addresses that guessed at once got every new sender a 429, for as long as they went on."""
    await logins.come(*guessers(0, 100))
    await logins.come(SENDER)
    assert SENDER in logins.refused
    logins.refused.clear()
    await logins.check(1)
    await logins.come(*guessers(1, 100))
    await logins.come(SENDER)
    for network in range(2, 9):  # more come than can be checked
        await logins.check(ALL_TURNS // 4)
        await logins.come(*guessers(network, 100))
    assert SENDER not in logins.refused
    assert SENDER in logins.checked


async def test_who_has_failed_makes_room_for_who_has_not(logins: Logins):
    """A guesser that goes on is known by that."""
    for address in guessers(0, ALL_TURNS):
        logins.delays.failed(address)
    await logins.come(*guessers(0, ALL_TURNS))
    await logins.come(SENDER)
    assert logins.refused == [guessers(0, ALL_TURNS)[CHECKS_AT_ONCE]]  # one of them, and it came first
    await logins.check(CHECKS_AT_ONCE + 1)
    assert SENDER in logins.checked


async def test_what_an_address_asks_at_once_counts_as_if_it_had_failed(logins: Logins):
    """Else the first packet of a guesser would be ahead of everybody."""
    await logins.come(*["198.51.0.1"] * 100)
    await logins.come(SENDER)
    assert SENDER not in logins.refused
    await logins.check(4)
    assert SENDER in logins.checked


@pytest.mark.parametrize(
    "cancelled", [range(CHECKS_AT_ONCE), range(CHECKS_AT_ONCE, 8), range(8), range(1, 3)]
)
async def test_whoever_goes_away_gives_its_turn_back(logins: Logins, cancelled: range):
    """Whether it has its turn or waits; else a few of them would end all logins."""
    await logins.come(*guessers(0, 8))
    for number in cancelled:
        logins.tasks[number].cancel()
    await asyncio.sleep(0)
    await logins.check(8)
    assert len(logins.checked) == 8 - len(cancelled)
    await logins.come(*guessers(1, ALL_TURNS))
    await logins.check(ALL_TURNS)
    assert set(guessers(1, ALL_TURNS)) <= set(logins.checked)
