"""Letter: a dead letter, with its reason and the original record."""

from collections.abc import Iterable
from dataclasses import dataclass

from dataflow.engine.dead_letters import PREFIX
from dataflow.kafka.record import Header, Headers, Record

TRIES = PREFIX + "tries"
"""Header of a replayed record: how often it was replayed, from 1."""

NOTED = ("stage", "reason", "detail", "topic", "partition", "offset", "timestamp")
"""The first headers of a dead letter, each after `PREFIX`; those of the original record follow."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter; partition and offset in the dead-letter topic identify it."""

    partition: int
    offset: int
    at_ms: int
    """When it became a dead letter, ms since 1970 UTC."""
    stage: str
    reason: str
    detail: str
    topic: str
    """The topic it came from; "" if another program wrote it."""
    origin_partition: int | None
    """None: it came over HTTP or from an input, and never was in its topic."""
    origin_offset: int | None
    timestamp_ms: int
    """Timestamp of the original record."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    """Headers of the original record, without `TRIES`."""
    tries: int

    def replay_headers(self) -> Headers:
        """Return the headers of the replayed record."""
        return [*self.headers, (TRIES, b"%d" % (self.tries + 1))]


def read_letter(partition: int, record: Record) -> Letter:
    """Return the letter of any record of this partition."""
    noted, own = _split_headers(record.headers)
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


def _split_headers(headers: Iterable[Header]) -> tuple[dict[str, bytes], Headers]:
    """Split our headers from those of the original record, which may have the same names."""
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
