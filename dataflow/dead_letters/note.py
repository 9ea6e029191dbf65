"""Note: the headers of a dead letter in, what the table counts of it out."""

from typing import NamedTuple

from aiokafka.record.default_records import DefaultRecord

from dataflow.engine.dead_letters import PREFIX

NO_REASON = "(none)"
_REASON = PREFIX + "reason"


class Note(NamedTuple):
    """One dead letter."""

    at_ms: int
    """When it became one, ms since 1970 UTC."""
    reason: str
    """`NO_REASON` if somebody else wrote it."""
    bytes: int


def read_note(record: DefaultRecord) -> Note:
    """Return what is counted; whatever the record is, it counts."""
    reason = next((value for name, value in record.headers if name == _REASON), None)
    return Note(
        record.timestamp,
        NO_REASON if reason is None else reason.decode(errors="replace"),
        len(record.value or b""),
    )
