"""Outcomes: what the server says of each document in; stored, refused or to be tried again out."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

Error = Mapping[str, object]


class Fate(Enum):
    """What becomes of a document."""

    STORED = auto()
    REJECTED = auto()
    RETRY = auto()


class DocumentOutcome(NamedTuple):
    """The fate of one document, and the server's own words if it is not stored."""

    fate: Fate
    words: str = ""


_STORED = DocumentOutcome(Fate.STORED)
_THERE_ALREADY = 409
_NOT_ITS_FAULT = "validation_exception"  # the cluster takes no more shards: also a 400


def outcome_of(status: int, error: Error | None = None) -> DocumentOutcome:
    """Return what became of one document of a bulk.

    Only what is a fault of the document is refused (400). All else (429, 5XX, but also 401,
    403 of a disk that is full, 404) a person or time mends: it is tried again.
    """
    if status < 300 or status == _THERE_ALREADY:
        return _STORED
    error = error or {}
    is_rejected = status == 400 and error.get("type") != _NOT_ITS_FAULT
    return DocumentOutcome(Fate.REJECTED if is_rejected else Fate.RETRY, words_of(status, error))


def words_of(status: object, error: object) -> str:
    """Return an error in the server's words: ``type: reason; its cause``."""
    if not isinstance(error, Mapping):
        return f"{status}: {str(error) or 'no answer in time'}"
    cause = error.get("caused_by")
    deeper = cause.get("reason") if isinstance(cause, Mapping) else None
    words = f"{error.get('type', status)}: {error.get('reason', 'no reason given')}"
    return f"{words}; {deeper}" if deeper else words
