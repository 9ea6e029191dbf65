"""Event view: a record of a topic as a page can show it, whatever its bytes are."""

from codecs import getincrementaldecoder
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.errors import UNREADABLE
from dataflow.instants import iso
from dataflow.kafka.record import Record
from dataflow.web.answer import Answer

MOST_VALUE_BYTES = 8 << 10
MOST_KEY_BYTES = 1 << 10
MOST_HEADERS = 50

_decode = msgspec.json.Decoder().decode
_decoder = getincrementaldecoder("utf-8")


class TextKind(StrEnum):
    """What the bytes of a key or a value are."""

    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"
    """No UTF-8: what is not is written as ``\\xff``."""


class ShownBytes(Answer):
    """Bytes as a text."""

    text: str
    kind: TextKind
    bytes: Annotated[int, Meta(description="How many they are; the text may have only the first of them")]
    is_cut: bool


class EventView(Answer):
    """A record."""

    partition: int
    offset: int
    at: Annotated[str | None, Meta(description="Timestamp of the record, UTC")]
    key: Annotated[ShownBytes | None, Meta(description="null: it has none")]
    value: Annotated[ShownBytes | None, Meta(description="null: it has none")]
    headers: list[tuple[str, ShownBytes | None]]


def view_of(partition: int, record: Record) -> EventView:
    """Return the view of a record."""
    return EventView(
        partition,
        record.offset,
        _instant(record.timestamp),
        shown(record.key, MOST_KEY_BYTES),
        shown(record.value, MOST_VALUE_BYTES),
        [(name, shown(value, MOST_KEY_BYTES)) for name, value in record.headers[:MOST_HEADERS]],
    )


def _instant(at_ms: int) -> str | None:
    try:
        return iso(at_ms) if at_ms >= 0 else None
    except OverflowError:  # a clock that was never set
        return None


def shown(raw: bytes | None, most_bytes: int) -> ShownBytes | None:
    """Return as much of these bytes as may be shown."""
    if raw is None:
        return None
    is_cut, begin = len(raw) > most_bytes, raw[:most_bytes]
    try:
        text = _decoder().decode(begin, final=not is_cut)
    except UnicodeDecodeError:
        return ShownBytes(begin.decode(errors="backslashreplace"), TextKind.BYTES, len(raw), is_cut)
    is_json = not is_cut and _is_json(raw)
    return ShownBytes(text, TextKind.JSON if is_json else TextKind.TEXT, len(raw), is_cut)


def _is_json(raw: bytes) -> bool:
    try:
        _decode(raw)
    except UNREADABLE:
        return False
    return True
