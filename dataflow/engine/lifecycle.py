"""The life cycle of a worker's engine: its states, and how one follows another."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic

from dataflow.errors import DataflowError
from dataflow.logs import get_log

log = get_log(__name__)


class EngineState(StrEnum):
    """What a worker does with its partitions."""

    CREATED = "created"
    """Nothing is connected yet."""
    RECOVERING = "recovering"
    """It joins the group, or finds out where to read on and what was counted up to there."""
    RUNNING = "running"
    """It reads, and writes checkpoints; also if it owns no partition."""
    DRAINING = "draining"
    """It reads nothing more and writes what is finished: partitions are revoked, or the worker stops."""
    FAILED = "failed"
    """It writes nothing more, and the worker ends."""


ALLOWED: Mapping[EngineState, frozenset[EngineState]] = {
    EngineState.CREATED: frozenset({EngineState.RECOVERING, EngineState.FAILED}),
    EngineState.RECOVERING: frozenset({EngineState.RUNNING, EngineState.FAILED}),
    EngineState.RUNNING: frozenset({EngineState.RECOVERING, EngineState.DRAINING, EngineState.FAILED}),
    EngineState.DRAINING: frozenset({EngineState.RECOVERING, EngineState.FAILED}),
    EngineState.FAILED: frozenset(),
}
"""The states that may follow each."""


class InvalidTransition(DataflowError):
    """The engine was to enter a state that does not follow its present one: a bug of ours."""


class Lifecycle:
    """The state of one engine, why it is in it, and since when."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.state = EngineState.CREATED
        self.cause = ""
        self._clock = clock
        self._since = clock()

    @property
    def is_running(self) -> bool:
        """Tell whether partitions are recovered and read."""
        return self.state is EngineState.RUNNING

    @property
    def has_failed(self) -> bool:
        """Tell whether the worker ends."""
        return self.state is EngineState.FAILED

    @property
    def seconds(self) -> float:
        """How long the engine has been in its state."""
        return self._clock() - self._since

    def enter(self, state: EngineState, cause: str) -> None:
        """Enter a state that may follow; raise `InvalidTransition` for another one.

        Who is in the state already stays in it, with the first cause.
        """
        before, seconds = self.state, round(self.seconds, 3)
        if state is before:
            return
        if state not in ALLOWED[before]:
            raise InvalidTransition(
                f"state of the engine is {before} ({self.cause}) and was to be {state} ({cause}); "
                f"expected {', '.join(sorted(ALLOWED[before])) or 'no other'}"
            )
        self.state, self.cause, self._since = state, cause, self._clock()
        log.info(
            "Engine has changed its state.", state=state, before=before, cause=cause, after_seconds=seconds
        )
