"""Refused: why a request is not answered in, an error with its HTTP status out."""

from http import HTTPStatus

from dataflow.errors import DataflowError

RETRY_SECONDS = 1
"""A takeover and a restart of the session both take a few of these."""


class Refused(DataflowError):
    """A request that gets this status and message instead of what it asked for."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again, where that makes sense."""
        if self.status is HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(RETRY_SECONDS)}
        return {}


def bad_parameter(name: str, value: str, expected: str) -> Refused:
    """Return the refusal of a parameter, with what it should have been."""
    return Refused(HTTPStatus.BAD_REQUEST, f"{name} is {shortened(value)}; expected {expected}")


def unknown(subject: str, value: str, expected: str) -> Refused:
    """Return the refusal of a name that nothing has, with those that exist."""
    return Refused(HTTPStatus.NOT_FOUND, f"{subject} is {shortened(value)}; expected {expected}")


def unavailable(message: str) -> Refused:
    """Return the refusal of what will be answered in a moment."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, message)


def shortened(value: str) -> str:
    """Return a value from outside as it may stand in a message."""
    return repr(value if len(value) <= 100 else value[:99] + "…")
