"""Versions of a document, as read from its topic; pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dataflow.catalogue.declared import FILTER_RULES, UTM_SOURCES
from dataflow.errors import Misconfigured
from dataflow.kafka.record import Headers, Record
from dataflow.stages.filter_document import read_document
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES, read_utm_sources

KEY = b"document"
"""All versions share it: compaction keeps the last."""

NUMBER = "version"


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document; `check(raw, origin)` raises `Misconfigured` for an invalid one."""

    topic: str
    name: str
    """For people: ``filter rules``."""
    check: Callable[[bytes, str], object]
    empty: bytes
    """The document before the first version."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document; numbers count from 1, and 0 is the empty document."""

    number: int
    raw: bytes


def headers_of(number: int) -> Headers:
    """Return the headers of the record of a version."""
    return [(NUMBER, b"%d" % number)]


class VersionLog:
    """The last valid version after the records that were read.

    An invalid record, written by hand, changes nothing; so every reader comes to the same
    result.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.last = Version(0, document.empty)
        self.highest = 0
        """Highest version number of any record."""
        self.fault: Misconfigured | None = None
        """The fault of the last record; None if it is valid."""

    def read(self, records: Iterable[Record]) -> None:
        """Apply the next records."""
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


FILTER_RULES_DOCUMENT = Document(FILTER_RULES.name, "filter rules", read_document, b"[]")
UTM_SOURCES_DOCUMENT = Document(
    UTM_SOURCES.name, "UTM sources", read_utm_sources, DEFAULT_UTM_SOURCES.read_bytes()
)
