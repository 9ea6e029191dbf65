r"""Lone surrogates: JSON with half a character (``\ud800``) in, the same with U+FFFD in its place out.

Programs that cut texts by UTF-16 units write them. Other parsers replace them; ours refuse the whole object.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dataflow.kafka.record import Header, Record

_HIGH, _LOW = rb"\\u[dD][89abAB][0-9A-Fa-f]{2}", rb"\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
_ESCAPE = re.compile(rb"\\[^u]|%b%b|(%b|%b)" % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)


@dataclass(slots=True)
class ReplacedRecord:
    """A record with another value."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    sent: Record
    """As it was sent, for a dead letter."""


def replace_lone_surrogates(raw: bytes) -> bytes:
    """Return JSON in which no escape is half a character; the same object if there is none."""
    if b"\\ud" not in raw and b"\\uD" not in raw:
        return raw
    return _ESCAPE.sub(_replaced, raw)


def without_lone_surrogates(record: Record) -> Record | None:
    """Return the record with its value mended; null if there is nothing to mend."""
    raw = record.value
    mended = raw and replace_lone_surrogates(raw)
    if mended == raw:
        return None
    return ReplacedRecord(record.offset, record.timestamp, record.key, mended, record.headers, record)


def as_sent(record: Record) -> Record:
    """Return the record as it was sent: a dead letter has its exact bytes."""
    return record.sent if isinstance(record, ReplacedRecord) else record


def _replaced(match: re.Match[bytes]) -> bytes:
    return match[0] if match[1] is None else rb"\ufffd"
