"""A letter: a record of the dead-letter topic in; why it is there, and the record that it was, out."""

from collections.abc import Iterable
from dataclasses import dataclass

from dataflow.engine.dead_letters import PREFIX
from dataflow.kafka.record import Header, Headers, Record

TRIES = PREFIX + "tries"
"""Header of a record that was sent back: how often it has been, a number from 1."""

NOTED = ("stage", "reason", "detail", "topic", "partition", "offset", "timestamp")
"""What the headers of a dead letter begin with, each after `PREFIX`; then come those of the record itself."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter; `partition` and `offset` are its place among the dead letters, and its name."""

    partition: int
    offset: int
    at_ms: int
    """When it became a dead letter, ms since 1970 UTC."""
    stage: str
    reason: str
    detail: str
    topic: str
    """Where it came from; "" if somebody else wrote it here."""
    origin_partition: int | None
    """None: it never was in its topic, a sender brought it."""
    origin_offset: int | None
    timestamp_ms: int
    """The record's own, as its producer gave it."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    """The record's own, without the count of tries."""
    tries: int

    def sent_back(self) -> Headers:
        """Return the headers with which it goes back."""
        return [*self.headers, (TRIES, b"%d" % (self.tries + 1))]


def read_letter(partition: int, record: Record) -> Letter:
    """Return the letter in a record of this partition; whatever the record is, it is one."""
    noted, own = _apart(record.headers)
    tries = [_number(value) or 0 for name, value in own if name == TRIES]
    timestamp = _number(noted.get("timestamp"))
    stage, reason, detail, topic = (
        noted.get(name, b"").decode(errors="replace") for name in ("stage", "reason", "detail", "topic")
    )
    return Letter(
        partition,
        record.offset,
        record.timestamp,
        stage,
        reason,
        detail,
        topic,
        _number(noted.get("partition")),
        _number(noted.get("offset")),
        record.timestamp if timestamp is None else timestamp,
        record.key,
        record.value,
        [(name, value) for name, value in own if name != TRIES],
        max(tries, default=0),
    )


def _apart(headers: Iterable[Header]) -> tuple[dict[str, bytes], Headers]:
    """Tell our notes from the record's own headers, which may bear the same names."""
    noted: dict[str, bytes] = {}
    own: Headers = []
    for header, value in headers:
        name = header.removeprefix(PREFIX)
        if name != header and name in NOTED and name not in noted and not own:
            noted[name] = value or b""
        else:
            own.append((header, value))
    return noted, own


def _number(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 19 else None
