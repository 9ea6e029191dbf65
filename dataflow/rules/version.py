"""Versions: the records of a document's topic in, the version that counts out; pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dataflow.errors import Misconfigured
from dataflow.kafka.record import Headers, Record

KEY = b"document"
"""All versions share it: compaction keeps the last."""

NUMBER = "version"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of one kind: its topic, and what reads it.

    `check(raw, origin)` raises `Misconfigured` for what is no such document.
    """

    topic: str
    name: str
    """As people call it: ``filter rules``."""
    check: Callable[[bytes, str], object]
    empty: bytes
    """What it is before the first version."""


@dataclass(frozen=True, slots=True)
class Version:
    """A document at some time; the number is one more with each change, 0 before the first."""

    number: int
    raw: bytes


def headers_of(number: int) -> Headers:
    """Return the headers of the record of a version."""
    return [(NUMBER, b"%d" % number)]


class VersionLog:
    """What is so after the records that were read.

    A record that is no such document, written past us by hand, changes nothing; so every
    reader comes to the same answer.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.last = Version(0, document.empty)
        self.highest = 0
        """Highest number of any record."""
        self.fault: Misconfigured | None = None
        """What is wrong with the last record; None: nothing."""

    def read(self, records: Iterable[Record]) -> None:
        """Take the next records."""
        for record in records:
            number, raw = _number_of(record), record.value or b""
            self.highest = max(self.highest, number)
            try:
                self.document.check(raw, f"{self.document.topic} at offset {record.offset}")
            except Misconfigured as fault:
                self.fault = fault
            else:
                self.last, self.fault = Version(number, raw), None


def _number_of(record: Record) -> int:
    number = dict(record.headers).get(NUMBER) or b""
    return int(number) if number.isdigit() and len(number) < 19 else 0
