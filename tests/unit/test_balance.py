"""Balance: what came in, and where each event ended."""

from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.balance import Balance

counts = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 1 << 40))


@st.composite
def balances(draw: st.DrawFn) -> Balance:
    """Return any balance."""
    balance = Balance(draw(st.integers(0, 1 << 40)), draw(st.integers(0, 1 << 40)))
    balance.dropped.update(draw(counts))
    balance.dead_lettered.update(draw(counts))
    return balance


def test_nothing_received_is_even():
    """An idle stream is in balance."""
    assert Balance().is_even


def test_every_outcome_counts():
    """Sent, dropped and dead-lettered make up what came in."""
    balance = Balance(6, 1)
    balance.dropped.update(robots=2)
    balance.dead_lettered.update(not_json=3)
    assert balance.is_even


def test_one_event_too_few_or_too_many_is_not_even():
    """Neither a lost event nor one that ended twice goes unnoticed."""
    assert not Balance(3, 2).is_even
    assert not Balance(3, 4).is_even


@given(balances(), balances())
def test_adding_is_by_rule_and_by_reason(one: Balance, other: Balance):
    """The sum of two partitions tells what each rule has dropped."""
    total = Balance()
    total.add(one)
    total.add(other)
    assert total.received == one.received + other.received
    assert total.sent == one.sent + other.sent
    assert all(total.dropped[rule] == one.dropped[rule] + other.dropped[rule] for rule in "abc")
    assert total.dead_lettered.total() == one.dead_lettered.total() + other.dead_lettered.total()


@given(balances())
def test_a_balance_comes_back_from_the_changelog_as_it_was(balance: Balance):
    """It is kept with the tables; counting goes on from it, so its counters must be counters."""
    back = Balance.from_mapping(balance.as_mapping())
    assert back == balance
    back.dropped["new rule"] += 1
