"""Balance: what came in, and where each event ended."""

from hypothesis import given
from hypothesis import strategies as st

from dataflow.engine.event_counts import EventCounts

counts = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 1 << 40))


@st.composite
def event_counts_by_stream(draw: st.DrawFn) -> EventCounts:
    """Return any balance."""
    event_counts = EventCounts(draw(st.integers(0, 1 << 40)), draw(st.integers(0, 1 << 40)))
    event_counts.dropped.update(draw(counts))
    event_counts.dead_lettered.update(draw(counts))
    return event_counts


def test_nothing_received_is_even():
    """An idle stream is in balance."""
    assert EventCounts().is_balanced


def test_every_outcome_counts():
    """Sent, dropped and dead-lettered make up what came in."""
    event_counts = EventCounts(6, 1)
    event_counts.dropped.update(robots=2)
    event_counts.dead_lettered.update(not_json=3)
    assert event_counts.is_balanced


def test_one_event_too_few_or_too_many_is_not_even():
    """Neither a lost event nor one that ended twice goes unnoticed."""
    assert not EventCounts(3, 2).is_balanced
    assert not EventCounts(3, 4).is_balanced


@given(event_counts_by_stream(), event_counts_by_stream())
def test_adding_is_by_rule_and_by_reason(one: EventCounts, other: EventCounts):
    """The sum of two partitions tells what each rule has dropped."""
    total = EventCounts()
    total.add(one)
    total.add(other)
    assert total.received == one.received + other.received
    assert total.sent == one.sent + other.sent
    assert all(total.dropped[rule] == one.dropped[rule] + other.dropped[rule] for rule in "abc")
    assert total.dead_lettered.total() == one.dead_lettered.total() + other.dead_lettered.total()


@given(event_counts_by_stream())
def test_a_balance_comes_back_from_the_changelog_as_it_was(event_counts: EventCounts):
    """It is kept with the tables; counting goes on from it, so its counters must be counters."""
    back = EventCounts.from_mapping(event_counts.as_mapping())
    assert back == event_counts
    back.dropped["new rule"] += 1
