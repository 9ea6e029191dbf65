"""The life cycle of a worker's engine: its states, and how one follows another."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic

from dataflow import metrics
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

REVOCATION = "revocation"

RESTARTS = metrics.counter("dataflow_session_restarts_total")
REBALANCE_SECONDS = metrics.histogram("dataflow_rebalance_seconds")

THE_GROUP = "the group to assign partitions"


class InvalidTransition(DataflowError):
    """The engine was to enter a state that does not follow its present one: a bug of ours."""


class Lifecycle:
    """The state of one engine, why it is in it, since when, and what it waits for."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.state = EngineState.CREATED
        self.cause = ""
        self.awaited = ""
        """What has to happen for it to run."""
        self.error: BaseException | None = None
        """What has gone wrong last in this state."""
        self._clock = clock
        self._since = self._progress_at = clock()
        self._interrupted: tuple[str, float] | None = None
        """What has ended its work, and when."""

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

    @property
    def idle_seconds(self) -> float:
        """How long there was something to do, and neither recovery nor a checkpoint has got on with it."""
        return self._clock() - self._progress_at

    def note_progress(self) -> None:
        """Note that recovery or a checkpoint has got on, or that there is nothing to do."""
        self._progress_at = self._clock()

    def wait(self, awaited: str, error: BaseException | None = None) -> None:
        """Note what this state waits for, and what has gone wrong meanwhile, for whoever asks why."""
        self.awaited, self.error = awaited, error or self.error

    def __str__(self) -> str:
        awaited = f" and waits for {self.awaited}" if self.awaited else ""
        error = f"; the last error was {self.error!r}" if self.error else ""
        return f"{self.state} ({self.cause}) for {self.seconds:.0f} s{awaited}{error}"

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
        self._measure(state, cause)
        self.state, self.cause, self._since = state, cause, self._clock()
        self.awaited, self.error = THE_GROUP if state is EngineState.RECOVERING else "", None
        self.note_progress()
        log.info(
            "Engine has changed its state.", state=state, before=before, cause=cause, after_seconds=seconds
        )

    def _measure(self, state: EngineState, cause: str) -> None:
        """Count what ends a session, and how long a rebalance lasts until partitions are read again."""
        if self.is_running and state is not EngineState.FAILED:
            self._interrupted = cause, self._clock()
            RESTARTS.labels(cause.replace(" ", "_")).inc()
        elif state is EngineState.RUNNING and self._interrupted is not None:
            before, since = self._interrupted
            if before == REVOCATION:
                REBALANCE_SECONDS.observe(self._clock() - since)
