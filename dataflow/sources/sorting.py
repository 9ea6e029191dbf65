"""Sorting: the events of one body in, records for their topic and dead letters out.

A line in DataStream 2's STRUCTURED format becomes JSON, if the order of its fields is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

import msgspec
import orjson

from dataflow.catalogue.stream import Stream
from dataflow.engine.dead_letters import PREFIX, reason_headers
from dataflow.engine.decoding import DECODING_ERRORS, fault_of
from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.record import Headers, OutputRecord
from dataflow.sources.unusable_lines import UnusableLines

STAGE = "ingest"
RECORD_BYTES = 200
DEAD_LETTER_BYTES = 1_000
"""Memory that a record takes as objects, beside the bytes of its value; of a dead letter its headers, too."""

SENDER, FORWARDED_FOR = PREFIX + "sender", PREFIX + "forwarded-for"
MOST_CHARACTERS = 256  # it stands on each line, and anybody may write into X-Forwarded-For

_NO_HEADERS: Headers = []


class _Object(msgspec.Struct, gc=False):
    """Any JSON object; its fields are skipped, yet have to be well formed."""


_check_object = msgspec.json.Decoder(_Object).decode


def sender_headers(address: str, forwarded_for: str | None = None) -> Headers:
    """Return who sent a body as record headers: the address, and what X-Forwarded-For claims."""
    headers: Headers = [(SENDER, address.encode())]
    if forwarded_for is not None:
        headers.append((FORWARDED_FOR, forwarded_for[:MOST_CHARACTERS].encode(errors="replace")))
    return headers


@dataclass(slots=True)
class Sorted:
    """Records on their way out, with the bytes that they hold in memory."""

    good: list[OutputRecord] = field(default_factory=list)
    dead: list[OutputRecord] = field(default_factory=list)
    good_bytes: int = 0
    dead_bytes: int = 0

    @property
    def held_bytes(self) -> int:
        """All of them together."""
        return self.good_bytes + self.dead_bytes

    def add(self, others: "Sorted") -> None:
        """Put others behind these."""
        self.good += others.good
        self.dead += others.dead
        self.good_bytes += others.good_bytes
        self.dead_bytes += others.dead_bytes


@dataclass(slots=True)
class Sorter:
    """Sorts the events of one body; one longer than `most_bytes` is dead, and cut at `most_dead_bytes`."""

    stream: Stream
    sender: Headers
    now_ms: int
    most_bytes: int
    most_dead_bytes: int
    structured_fields: Sequence[str] = ()
    seen: UnusableLines = field(default_factory=UnusableLines)
    """What of it the stream cannot use, as far as it is sorted."""
    done: Sorted = field(default_factory=Sorted)

    def take(self) -> Sorted:
        """Return what is sorted so far, and begin anew."""
        done, self.done = self.done, Sorted()
        return done

    def sort(self, events: Sequence[bytes]) -> None:
        """Sort some events; the order is kept."""
        headers = self.sender if self.stream.keeps_sender else _NO_HEADERS
        before, dead = len(self.done.good), len(self.done.dead)
        size = (self._sort_objects if self.stream.is_json else self._sort_lines)(events, headers)
        self.done.good_bytes += size + RECORD_BYTES * (len(self.done.good) - before)
        self.seen.lines += len(self.done.dead) - dead
        self.seen.look_at(self.done.good, before)

    def _sort_objects(self, events: Sequence[bytes], headers: Headers) -> int:
        append, now_ms, most = self.done.good.append, self.now_ms, self.most_bytes
        size = 0
        for raw in events:
            try:
                if len(raw) > most:
                    raise self._too_large()
                _check_object(raw)
                raw.isascii() or raw.decode()
            except (*DECODING_ERRORS, InvalidEvent) as error:
                whole = _without_lone_surrogates(raw, most)
                if whole is None:
                    self._mend_or_reject(raw, error)
                else:
                    size += len(whole)
                    append((now_ms, None, whole, headers))
            else:
                size += len(raw)
                append((now_ms, None, raw, headers))
        return size

    def _sort_lines(self, events: Sequence[bytes], headers: Headers) -> int:
        """Take any text: what it says is for the stage to find out."""
        if max(map(len, events), default=0) > self.most_bytes:
            for raw in events:
                if len(raw) > self.most_bytes:
                    self.reject(raw, self._too_large())
            events = [raw for raw in events if len(raw) <= self.most_bytes]
        self.done.good += zip(repeat(self.now_ms), repeat(None), events, repeat(headers), strict=False)
        return sum(map(len, events))

    def reject(self, raw: bytes, fault: InvalidEvent) -> None:
        """Make a dead letter of an event, with where it was to go, why it does not, and who sent it."""
        raw = raw[: self.most_dead_bytes]
        self.seen.add(str(fault))
        # It has no partition and offset: it never was in a topic.
        headers = reason_headers(STAGE, fault, topic=self.stream.topic, timestamp=self.now_ms)
        self.done.dead.append((self.now_ms, None, raw, headers + self.sender))
        self.done.dead_bytes += len(raw) + DEAD_LETTER_BYTES

    def _mend_or_reject(self, raw: bytes, error: Exception) -> None:
        fault = fault_of(error, raw)
        if not self._may_be_structured(raw, fault):
            self.reject(raw, fault)
            return
        try:
            made = structured_to_json(raw, self.structured_fields)
            if len(made) > self.most_bytes:  # names and escapes make it longer than the line
                raise self._too_large()
        except InvalidEvent as unfit:
            self.reject(raw, unfit)
        else:
            self.done.good.append((self.now_ms, None, made, _NO_HEADERS))
            self.done.good_bytes += len(made)  # the rest is counted with those of its turn

    def _may_be_structured(self, raw: bytes, fault: InvalidEvent) -> bool:
        return (
            bool(self.structured_fields)
            and self.stream.is_datastream
            and fault.reason is not Reason.TOO_LARGE
            and not raw.lstrip().startswith((b"{", b"["))
        )

    def _too_large(self) -> InvalidEvent:
        return InvalidEvent(
            Reason.TOO_LARGE,
            f"event has more than {self.most_bytes} bytes; expected at most that, which the topic takes. "
            f"Kept are at most {self.most_dead_bytes}",
        )


def _without_lone_surrogates(raw: bytes, most_bytes: int) -> bytes | None:
    """Return an event with U+FFFD in place of its lone surrogates; null if that is not all that it needs."""
    whole = replace_lone_surrogates(raw)
    if whole is raw or len(raw) > most_bytes:
        return None
    try:
        _check_object(whole)
        whole.isascii() or whole.decode()
    except DECODING_ERRORS:
        return None
    return whole


def structured_to_json(line: bytes, fields: Sequence[str]) -> bytes:
    """Return the line as the JSON that the same stream would send in the JSON format.

    Tabs stand between the values if there is one, else spaces; every value is a text, as
    sent. Raises `InvalidEvent` for another number of values than of fields.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        fault = f"line has byte {line[error.start]:#04x} at {error.start}; expected UTF-8"
        raise InvalidEvent(Reason.NOT_UTF8, fault) from error
    values = text.split("\t" if "\t" in text else " ")
    if len(values) != len(fields):
        raise InvalidEvent(
            Reason.UNPARSABLE,
            f"line has {len(values)} values; expected {len(fields)}, "
            "as DATAFLOW_INGEST_STRUCTURED_FIELDS names them",
        )
    return orjson.dumps(dict(zip(fields, values, strict=True)))
