"""Outcomes: whether the server has stored a document, rejects it, or wants a retry."""

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
    """The fate of one document, and the error of the server if it is not stored."""

    fate: Fate
    words: str = ""


_STORED = DocumentOutcome(Fate.STORED)
_EXISTS = 409
_CLUSTER_FAULT = "validation_exception"  # the cluster takes no more shards: also a 400


def outcome_of(status: int, error: Error | None = None) -> DocumentOutcome:
    """Return what became of one document of a bulk.

    Only faults of the document (400) are rejections. All others (429, 5XX, but also 401, 404
    and 403 for a full disk) end by themselves or by a person: the document is retried.
    """
    if status < 300 or status == _EXISTS:
        return _STORED
    error = error or {}
    is_rejected = status == 400 and error.get("type") != _CLUSTER_FAULT
    return DocumentOutcome(Fate.REJECTED if is_rejected else Fate.RETRY, words_of(status, error))


def words_of(status: object, error: object) -> str:
    """Return an error of the server as ``type: reason; its cause``."""
    if not isinstance(error, Mapping):
        return f"{status}: {str(error) or 'no answer in time'}"
    cause = error.get("caused_by")
    deeper = cause.get("reason") if isinstance(cause, Mapping) else None
    words = f"{error.get('type', status)}: {error.get('reason', 'no reason given')}"
    return f"{words}; {deeper}" if deeper else words
