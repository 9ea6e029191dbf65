"""Life cycle of the engine: which state may follow which, what is noted of it, and what is logged."""

from itertools import product

import pytest

from dataflow.engine.lifecycle import EngineState, InvalidTransition, Lifecycle

CREATED, RECOVERING, RUNNING, DRAINING, FAILED = EngineState
PATHS = {
    CREATED: [],
    RECOVERING: [RECOVERING],
    RUNNING: [RECOVERING, RUNNING],
    DRAINING: [RECOVERING, RUNNING, DRAINING],
    FAILED: [FAILED],
}
"""How an engine comes into each state."""
FOLLOWING = {
    (CREATED, RECOVERING),
    (CREATED, FAILED),
    (RECOVERING, RUNNING),
    (RECOVERING, FAILED),
    (RUNNING, RECOVERING),
    (RUNNING, DRAINING),
    (RUNNING, FAILED),
    (DRAINING, RECOVERING),
    (DRAINING, FAILED),
}


def in_state(state: EngineState) -> Lifecycle:
    """Return the life cycle of an engine that is in this state."""
    lifecycle = Lifecycle(clock=lambda: 0.0)
    for step in PATHS[state]:
        lifecycle.enter(step, "before")
    assert lifecycle.state is state
    return lifecycle


@pytest.mark.parametrize(("before", "after"), sorted(FOLLOWING))
def test_a_state_that_follows_is_entered(before: EngineState, after: EngineState):
    """With its cause, which `/readyz` and the log can tell."""
    lifecycle = in_state(before)
    lifecycle.enter(after, "now")
    assert (lifecycle.state, lifecycle.cause) == (after, "now")
    assert lifecycle.is_running == (after is RUNNING)
    assert lifecycle.has_failed == (after is FAILED)


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in product(EngineState, repeat=2) if pair not in FOLLOWING and pair[0] is not pair[1]],
)
def test_another_state_is_refused_and_nothing_changes(before: EngineState, after: EngineState):
    """A worker that has failed writes nothing again, and one that drains reads nothing before a recovery."""
    lifecycle = in_state(before)
    with pytest.raises(InvalidTransition, match=f"state of the engine is {before} .* to be {after} "):
        lifecycle.enter(after, "now")
    assert lifecycle.state is before


@pytest.mark.parametrize("state", list(EngineState))
def test_a_state_that_is_entered_again_keeps_its_first_cause(
    state: EngineState, caplog: pytest.LogCaptureFixture
):
    """Two faults at once are one failure: the first says why."""
    lifecycle = in_state(state)
    cause = lifecycle.cause
    caplog.set_level("INFO")
    lifecycle.enter(state, "again")
    assert (lifecycle.state, lifecycle.cause) == (state, cause)
    assert not caplog.messages


def test_a_transition_is_logged_with_how_long_the_state_before_lasted(caplog: pytest.LogCaptureFixture):
    """One search shows all that a worker has gone through."""
    caplog.set_level("INFO")
    now = [100.0]
    lifecycle = Lifecycle(clock=lambda: now[0])
    lifecycle.enter(RECOVERING, "start")
    now[0] += 2.5
    assert lifecycle.seconds == 2.5
    lifecycle.enter(RUNNING, "partitions are recovered")
    assert lifecycle.seconds == 0
    assert caplog.messages[-1] == (
        "Engine has changed its state. state=running before=recovering "
        'cause="partitions are recovered" after_seconds=2.5'
    )
