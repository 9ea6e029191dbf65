"""Letter: a dead letter, with its reason and the original record."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dataflow.catalogue.streams.dead_letters import Note
from dataflow.engine.dead_letters import CONTENT, LEFT_OUT, PREFIX
from dataflow.engine.stage import RecordStage
from dataflow.instants import iso_or_none
from dataflow.kafka.record import Header, Headers, Record

SINK_STAGE = "sink-"
"""How the stages of sinks begin, which is followed by the name of the sink."""

TRIES = PREFIX + "tries"  # header of a replayed record: how often it was replayed, from 1

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
    size: int
    """Bytes of the value."""
    is_left_out: bool = False
    """Whether the value is not that of the record, which was too large or could not be read."""

    def outline(self) -> "Letter":
        """Return it without what the record held, which may be a megabyte: for a list of many."""
        return replace(self, key=None, value=None, headers=[])

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
        len(record.value or b""),
        noted.get(CONTENT) == LEFT_OUT,
    )


def _split_headers(headers: Iterable[Header]) -> tuple[dict[str, bytes], Headers]:
    """Split our headers from those of the original record, which may have the same names."""
    noted: dict[str, bytes] = {}
    own: Headers = []
    for header, value in headers:
        name = header.removeprefix(PREFIX)
        is_first = name == CONTENT and not noted
        if name != header and (is_first or name in NOTED) and name not in noted and not own:
            noted[name] = value or b""
        else:
            own.append((header, value))
    return noted, own


def _number(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 19 else None


Place = tuple[int, int]  # partition and offset of a dead letter


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Conditions on dead letters; None matches all."""

    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    """The topic it came from."""
    from_ms: int | None = None
    """Letters from this instant on, ms since 1970 UTC."""
    to_ms: int | None = None
    """Letters before this instant."""
    places: frozenset[Place] | None = None

    @property
    def partitions(self) -> frozenset[int] | None:
        """The partitions of its places; None: any."""
        return None if self.places is None else frozenset(partition for partition, _ in self.places)

    def described(self) -> dict[str, str | int | None]:
        """Return the conditions for the audit log; of places only how many."""
        return {
            "stage": self.stage,
            "reason": self.reason,
            "topic": self.topic,
            "start": iso_or_none(self.from_ms),
            "end": iso_or_none(self.to_ms),
            "places": None if self.places is None else len(self.places),
        }

    def matches(self, letter: Letter) -> bool:
        """Tell whether a letter meets all conditions."""
        named = ((self.stage, letter.stage), (self.reason, letter.reason), (self.topic, letter.topic))
        return (
            all(wanted is None or wanted == actual for wanted, actual in named)
            and (self.from_ms is None or letter.at_ms >= self.from_ms)
            and (self.to_ms is None or letter.at_ms < self.to_ms)
            and (self.places is None or (letter.partition, letter.offset) in self.places)
        )


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
