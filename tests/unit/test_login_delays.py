"""Login delays: how long who has to wait, and who is remembered."""

import pytest

from dataflow.access.login_delays import ADDRESSES, FREE_FAILURES, LONGEST_SECONDS, LoginDelays

HERE = "192.0.2.1"


class Clock:
    """Time that stands until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return what it shows."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


def test_the_wait_doubles_up_to_a_bound_and_is_forgotten(clock: Clock):
    """Ten minutes later it may be somebody else's address."""
    delays, waits = LoginDelays(clock), []
    for _ in range(20):
        delays.failed(HERE)
        waits.append(delays.wait_seconds(HERE))
    assert waits[: FREE_FAILURES - 1] == [0.0] * (FREE_FAILURES - 1)
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 2] == [0.5, 1.0, 2.0]
    assert waits[-1] == LONGEST_SECONDS
    clock.now += 601
    delays.failed(HERE)
    assert delays.wait_seconds(HERE) == 0.0


def test_memory_is_bounded_whoever_guesses(clock: Clock):
    """An attacker has more addresses than we have memory."""
    delays = LoginDelays(clock)
    for number in range(ADDRESSES + 500):
        delays.failed(str(number))
    assert len(delays._known) == ADDRESSES
    assert delays.failures == ADDRESSES + 500


def test_an_ipv6_network_is_one_address(clock: Clock):
    """Who has one of its addresses has 2^64 of them."""
    delays = LoginDelays(clock)
    for number in range(FREE_FAILURES + 1):
        delays.failed(f"2001:db8::{number:x}")
    assert delays.wait_seconds("2001:db8::ffff")
    assert not delays.wait_seconds("2001:db8:0:1::1")
    assert not delays.wait_seconds("")


def test_an_ipv4_address_inside_of_an_ipv6_one_is_itself(clock: Clock):
    """A worker that listens on :: sees IPv4 clients so: one guesser slowed down all of them."""
    delays = LoginDelays(clock)
    for _ in range(FREE_FAILURES + 1):
        delays.failed("::ffff:192.0.2.1")
    assert delays.wait_seconds("::ffff:192.0.2.1") == delays.wait_seconds("192.0.2.1") > 0
    assert not delays.wait_seconds("::ffff:192.0.2.2")


def test_who_has_not_failed_comes_first_and_then_who_came_first(clock: Clock):
    """A sender that is told to come again is ahead of addresses that nobody has seen before."""
    delays = LoginDelays(clock)
    delays.failed("guesser")
    sender = delays.rank("sender")
    clock.now += 1
    assert sorted([delays.rank("guesser"), delays.rank("newer"), delays.rank("sender")]) == [
        sender,
        (0, clock.now),
        (1, 1_000.0),
    ]
