"""Reads what the table counts of a dead letter from its headers."""

from dataflow.engine.dead_letters import PREFIX
from dataflow.engine.record_stage import RecordStage
from dataflow.kafka.record import Record
from dataflow.stages.note import Note

NO_REASON = "(none)"
_REASON = PREFIX + "reason"


def read_note(record: Record) -> Note:
    """Return what is counted of any record; the reason is `NO_REASON` if somebody else wrote it."""
    reason = next((value for name, value in record.headers if name == _REASON), None)
    return Note(
        record.timestamp,
        NO_REASON if reason is None else reason.decode(errors="replace"),
        len(record.value or b""),
    )


NOTE = RecordStage("note", read_note, frozenset(Note._fields))
"""Counts every dead letter; none of them becomes one again."""
