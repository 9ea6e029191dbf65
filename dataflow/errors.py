"""What can go wrong on purpose: each class says what the caller has to do."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from dataflow.masking import masked

UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises for JSON from outside; of wrong UTF-8 and deep nesting it is no `MsgspecError`."""


class Reason(StrEnum):
    """Why an event cannot be used; the closed set of codes on dead letters."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    UNPARSABLE = "unparsable"


class DataflowError(Exception):
    """Base of every error that Dataflow raises on purpose."""

    def __str__(self) -> str:
        """Return the message without passwords: it may have the words of a library, which tell whole URLs."""
        return masked(super().__str__())

    def __repr__(self) -> str:
        """Return class and message, for the same reason."""
        return f"{type(self).__name__}({str(self)!r})"


class InvalidEvent(DataflowError):
    """This event cannot be used: send it to the dead letters and go on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Misconfigured(DataflowError):
    """The program cannot run like this: end it, non-zero, with this message."""


class SinkUnavailable(DataflowError):
    """The system behind a sink is away: keep the batch and try again later."""


def expected_one_of(names: Iterable[str], given: str) -> str:
    """Return what a message expects in place of a name: those there are, and which of them was meant."""
    known = list(names)
    meant = get_close_matches(given, known, n=1)
    return f"expected {one_of(known)}" + (f"; did you mean '{meant[0]}'?" if meant else "")


def missing_topic(topic: str, known: Iterable[str]) -> DataflowError:
    """Return the error for a topic that is none of those of the broker, its own left out."""
    names = sorted(name for name in known if not name.startswith("__"))
    expected = expected_one_of(names, topic) if names else "expected one that exists, and there is none yet"
    return DataflowError(f"topic is '{topic}'; {expected}; `dataflow topics` makes the declared ones")


def one_of(names: Iterable[str]) -> str:
    """Return the names as a message lists them."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
