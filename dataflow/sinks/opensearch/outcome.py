"""Outcomes: what the server says of each document of a bulk, and what has to be done about it."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple


class Fate(Enum):
    """What becomes of a document."""

    STORED = auto()
    REJECTED = auto()
    """For what it holds."""
    CLOSED = auto()
    """Its index is closed."""
    RETRY = auto()


class DocumentOutcome(NamedTuple):
    """The fate of one document, and the error of the server if it is not stored."""

    fate: Fate
    words: str = ""
    is_mapping_fault: bool = False
    """It does not fit the mapping of its index."""


_STORED = DocumentOutcome(Fate.STORED)
_EXISTS = 409
_BAD_REQUEST = 400
_MAPPING_FAULTS = (
    "mapper_parsing_exception",
    "document_parsing_exception",
    "strict_dynamic_mapping_exception",
)
_CLOSED = "index_closed_exception"
_CLUSTER_IS_FULL = "validation_exception"  # it takes no more shards
_NEEDS_A_PERSON = ("pipeline with id [", "explicit index in bulk is not allowed")


def outcome_of(status: int, error: Mapping[str, object] | None = None) -> DocumentOutcome:
    """Return what became of one document of a bulk.

    Only a 400 may be a fault of the document. All others (429, 5XX, but also 401, 404 and 403 for a block)
    end by themselves or by a person: the document is retried.
    """
    if status < 300 or status == _EXISTS:
        return _STORED
    error = error or {}
    words, kind = words_of(status, error), error.get("type")
    if status != _BAD_REQUEST or needs_a_person(error):
        return DocumentOutcome(Fate.RETRY, words)
    if kind == _CLOSED:
        return DocumentOutcome(Fate.CLOSED, words)
    return DocumentOutcome(Fate.REJECTED, words, kind in _MAPPING_FAULTS)


def stated_error(answer: object) -> Mapping[str, object] | None:
    """Return the error in an answer of the server; None for the answer of something else, as of a proxy."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    is_its_own = isinstance(error, Mapping) and {"type", "reason"} <= error.keys()
    return error if is_its_own else None


def needs_a_person(error: object) -> bool:
    """Tell whether a 400 is a fault of the cluster or of its settings."""
    if not isinstance(error, Mapping):
        return False
    reason = str(error.get("reason"))
    return error.get("type") == _CLUSTER_IS_FULL or reason.startswith(_NEEDS_A_PERSON)


def words_of(status: object, error: object) -> str:
    """Return an error of the server as ``type: reason; its deepest cause``."""
    if not isinstance(error, Mapping):
        return f"{status}: {str(error) or 'no answer in time'}"
    words = f"{error.get('type', status)}: {error.get('reason', 'no reason given')}"
    cause, deepest = error.get("caused_by"), None
    while isinstance(cause, Mapping):
        deepest, cause = cause.get("reason") or deepest, cause.get("caused_by")
    return f"{words}; {deepest}" if deepest else words
