"""Refusals: why a body or a sender is not taken, as the HTTP status that makes the sender do the right thing.

DataStream 2 tries again on 429 and 5XX only; any other 4XX loses its batch for ever.
"""

from http import HTTPStatus

from dataflow.errors import DataflowError


class NotTaken(DataflowError):
    """Nothing of this request is acknowledged; `retry_seconds` is for those who should come again."""

    def __init__(self, status: HTTPStatus, message: str, retry_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_seconds = retry_seconds


def overloaded(message: str, retry_seconds: float = 1.0) -> NotTaken:
    """Return the refusal of one sender too many."""
    return NotTaken(HTTPStatus.TOO_MANY_REQUESTS, message, retry_seconds)


def unavailable(message: str, retry_seconds: float = 5.0) -> NotTaken:
    """Return the refusal while Kafka is away or too slow, or the sender is."""
    return NotTaken(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_seconds)


def never(status: HTTPStatus, message: str) -> NotTaken:
    """Return the refusal of what no second try makes better."""
    return NotTaken(status, message)
