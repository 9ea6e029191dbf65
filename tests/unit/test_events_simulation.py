"""The simulation's state: what every worker reads from the same log, and must conclude alike."""

from hypothesis import given
from hypothesis import strategies as st

from dataflow.sources.lease import LEASE_MS, Action, LeaseRecord, LeaseState

START, BEAT, STOP = Action.START, Action.BEAT, Action.STOP


def effects(*steps: tuple[Action, str, int]) -> list[bool]:
    """Apply (action, simulation, ms since the step before) in turn."""
    state, now, done = LeaseState(), 0, []
    for action, simulation, later in steps:
        now += later
        done.append(state.apply(LeaseRecord(action, simulation), now))
    return done


def test_of_two_starts_the_first_counts():
    """The broker's order decides, not who asked first."""
    assert effects((START, "a", 0), (START, "b", 0)) == [True, False]


def test_a_stop_from_outside_stops_whatever_runs():
    """It may be asked of any worker."""
    assert effects((STOP, "", 0), (START, "a", 0), (STOP, "", 0), (STOP, "", 0)) == [False, True, True, False]


def test_a_worker_that_ends_stops_only_its_own():
    """Its stop may come late, when another simulation runs."""
    assert effects((START, "a", 0), (STOP, "b", 0), (STOP, "a", 0)) == [True, False, True]


def test_beats_keep_it_alive():
    """For as long as they come."""
    assert effects((START, "a", 0), *[(BEAT, "a", LEASE_MS)] * 9, (START, "b", LEASE_MS))[-1] is False


def test_silence_ends_it():
    """A worker that was killed cannot say so."""
    assert effects((START, "a", 0), (START, "b", LEASE_MS + 1)) == [True, True]
    assert effects((START, "a", 0), (STOP, "", LEASE_MS + 1)) == [True, False]


def test_what_has_ended_does_not_come_back():
    """A frozen worker that wakes up has lost it, though nobody has taken its place."""
    assert effects((START, "a", 0), (BEAT, "a", LEASE_MS + 1), (START, "b", 0)) == [True, False, True]
    assert effects((START, "a", 0), (STOP, "", 0), (BEAT, "a", 0), (START, "b", 0)) == [
        True,
        True,
        False,
        True,
    ]


def test_beats_alone_tell_of_one_that_was_started_long_ago():
    """The log is kept for a day; its start may have gone."""
    assert effects((BEAT, "a", 0), (START, "b", 1), (STOP, "", 1)) == [True, False, True]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Action)), st.sampled_from(["a", "b", ""]), st.integers(0, 2 * LEASE_MS)
        )
    )
)
def test_there_is_never_more_than_one(steps):
    """Whatever is asked, in whatever order: a start has its effect only while none runs."""
    state, now = LeaseState(), 0
    for action, simulation, later in steps:
        now += later
        before = state.holder
        took = state.apply(LeaseRecord(action, simulation), now)
        if action is START and took:
            assert before is None or state.holder != before or later > LEASE_MS or simulation == before
            assert state.holder == simulation
