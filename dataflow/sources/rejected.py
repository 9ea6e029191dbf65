"""Rejected lines: makes a dead letter of a line that cannot be used."""

from dataflow.engine.dead_letters import DETAIL_CHARACTERS, PREFIX
from dataflow.errors import InvalidEvent
from dataflow.kafka.record import OutputRecord
from dataflow.sources.origin import Origin

STAGE = "ingest"


def dead_letter(raw: bytes, fault: InvalidEvent, *, topic: str, origin: Origin, now_ms: int) -> OutputRecord:
    """Return the line with where it was to go, why it does not, and who sent it.

    It has no partition and offset: it never was in a topic.
    """
    noted = {
        "stage": STAGE,
        "reason": fault.reason,
        "detail": fault.detail[:DETAIL_CHARACTERS],
        "topic": topic,
        "timestamp": now_ms,
    }
    headers = [(PREFIX + name, str(value).encode(errors="replace")) for name, value in noted.items()]
    return now_ms, None, raw, headers + origin.headers
