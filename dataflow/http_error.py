"""HTTP errors: the status that makes a client do the right thing, and what is wrong.

DataStream 2 retries 429 and 5XX only; after any other 4XX it drops its batch. So we answer 4XX only if a
retry cannot help.
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from dataflow.errors import DataflowError, expected_one_of

QUOTED_CHARACTERS = 100
BROKER_RETRY_SECONDS = 5.0

OWN_FAULT = "worker has met a fault in itself; its log says more"
"""What clients are told of a bug."""


class HttpError(DataflowError):
    """A request that gets this status and message; nothing of what it sent is acknowledged."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        retry_seconds: float | None = None,
        schemes: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_seconds = retry_seconds
        """When to retry; None: a retry does not help."""
        self.schemes = schemes
        """How to authenticate."""


def bad_value(name: str, value: str, expected: str) -> HttpError:
    """Return the error of a parameter (400), with what it should have been."""
    return HttpError(HTTPStatus.BAD_REQUEST, f"{name} is {quoted(value)}; expected {expected}")


_SHOWN = {"Basic": "user and password (Basic)", "Bearer": "a known token (Bearer)"}


def unauthorized(schemes: Sequence[str]) -> HttpError:
    """Return the error of a client that is not known (401)."""
    return HttpError(
        HTTPStatus.UNAUTHORIZED,
        f"Authorization is missing or wrong; expected {' or '.join(map(_SHOWN.__getitem__, schemes))}",
        schemes=schemes,
    )


def not_found(subject: str, value: str, expected: str) -> HttpError:
    """Return the error of a name that nothing has (404), with those that exist."""
    return HttpError(HTTPStatus.NOT_FOUND, f"{subject} is {quoted(value)}; expected {expected}")


def unknown_name(subject: str, value: str, known: Iterable[str]) -> HttpError:
    """Return the error of a name that is none of these (404), with the one that may be meant."""
    expected = expected_one_of(known, value[:QUOTED_CHARACTERS])
    return HttpError(HTTPStatus.NOT_FOUND, f"{subject} is {quoted(value)}; {expected}")


def overloaded(message: str, retry_seconds: float = 1.0) -> HttpError:
    """Return the error of one request too many (429)."""
    return HttpError(HTTPStatus.TOO_MANY_REQUESTS, message, retry_seconds=retry_seconds)


def unavailable(message: str, retry_seconds: float = 1.0) -> HttpError:
    """Return the error of what can be answered in a moment (503): a rebalance takes a few of these."""
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_seconds=retry_seconds)


def broker_unavailable(message: str) -> HttpError:
    """Return the error while Kafka is away or too slow (503)."""
    return unavailable(message, BROKER_RETRY_SECONDS)


def begin_of(raw: bytes) -> str:
    """Return the begin of a value from outside, as much as `quoted` shows of it, and some more."""
    return raw[: 8 * QUOTED_CHARACTERS].decode(errors="replace")


def quoted(value: str) -> str:
    """Return a value from outside as it may stand in a message."""
    return repr(value if len(value) <= QUOTED_CHARACTERS else f"{value[: QUOTED_CHARACTERS - 1]}…")
