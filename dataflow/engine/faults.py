"""Faults of checkpoints: which are worth a new session, and when it is time to give up."""

from collections import deque
from time import monotonic

from aiokafka import errors

BROKER_AWAY: tuple[type[BaseException], ...] = (TimeoutError, OSError, errors.KafkaTimeoutError)
NO_MEMBER: tuple[type[BaseException], ...] = (
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.RebalanceInProgressError,
)

STRANGE_IN_A_ROW = 3
FENCED_A_MINUTE = 5


class FaultCount:
    """Counts what has gone wrong since the last good checkpoint.

    A broker that is away is waited for without end, and who is no member any more
    becomes one again. Anything else three times in a row is not going to mend itself, and
    neither is a fellow worker with our transactional id.
    """

    def __init__(self) -> None:
        self._strange = 0
        self._fenced: deque[float] = deque(maxlen=FENCED_A_MINUTE)

    def clear(self) -> None:
        """Note that a checkpoint has gone through."""
        self._strange = 0

    def is_hopeless(self, error: BaseException) -> bool:
        """Note this error; tell whether beginning again is of no use."""
        cause = error.__cause__ or error
        if isinstance(cause, errors.ProducerFenced):
            self._fenced.append(monotonic())
            return len(self._fenced) == FENCED_A_MINUTE and self._fenced[-1] - self._fenced[0] < 60
        if isinstance(cause, BROKER_AWAY + NO_MEMBER) or getattr(cause, "retriable", False):
            return False
        self._strange += 1
        return self._strange >= STRANGE_IN_A_ROW
