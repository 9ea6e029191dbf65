"""Errors of checkpoints: which ones a new session may mend, and when the worker has to stop."""

from collections import deque
from time import monotonic

from dataflow.kafka.errors import BROKER_AWAY, NO_MEMBER, Fenced

UNEXPECTED_IN_A_ROW = 3
FENCED_A_MINUTE = 5


class CheckpointErrors:
    """Counts what has gone wrong since the last good checkpoint.

    A broker that is away is waited for without end, and a worker that has left the group
    joins it again. Anything else three times in a row does not mend itself, and neither
    does another worker with our transactional id.
    """

    def __init__(self) -> None:
        self._unexpected = 0
        self._fenced: deque[float] = deque(maxlen=FENCED_A_MINUTE)

    def clear(self) -> None:
        """Note that a checkpoint has gone through."""
        self._unexpected = 0

    def is_fatal(self, error: BaseException) -> bool:
        """Note this error; tell whether a new session is of no use."""
        if isinstance(error, Fenced):
            self._fenced.append(monotonic())
            return len(self._fenced) == FENCED_A_MINUTE and self._fenced[-1] - self._fenced[0] < 60
        cause = error.__cause__ or error
        if isinstance(cause, BROKER_AWAY + NO_MEMBER) or getattr(cause, "retriable", False):
            return False
        self._unexpected += 1
        return self._unexpected >= UNEXPECTED_IN_A_ROW
