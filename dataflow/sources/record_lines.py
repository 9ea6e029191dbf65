"""Record lines: log entries in JSON arrays, also in the objects that collectors send, in; one a line out."""

import re
from collections.abc import Iterator
from typing import Final

from dataflow.errors import DataflowError
from dataflow.sources.element_end import STEP_BYTES, STRING, end_of_brackets
from dataflow.sources.envelopes import ENVELOPE, ENVELOPE_BEGIN, ENVELOPE_END, SPACES, TIMED_LINE

_BEGIN: Final = re.compile(
    rb"%b(?:\[%b\{%b[\"}]|%b|\{[ \t]{0,64}+\r?\n)" % (SPACES, SPACES, SPACES, ENVELOPE_BEGIN)
)
_BETWEEN: Final = re.compile(rb"(?:[ \t\r\n,\]}]++|\[(?=%b[^\" \t\r\n]))*+" % SPACES)
_SAME_LINE: Final = re.compile(rb"[ \t]{0,64}+\{")
_OPENING: Final = (b"{", b"[")
_QUOTE: Final = b'"'
_FLAT: Final = rb'\{(?>[^{}\[\]"]++|%b)*+\}' % STRING
_SHALLOW: Final = re.compile(rb'\{(?>[^{}\[\]"]++|%b|%b)*+\}' % (STRING, _FLAT), re.DOTALL)
"""What most entries are, in one step; any other is walked bracket by bracket."""


def begins_in_records(head: bytes) -> bool:
    """Tell whether a body or file is objects in arrays, over several lines or in one line.

    No line of text begins so, and no object that has its line for itself.
    """
    if _BEGIN.match(head):
        return True
    begin = _end_between(head, 0) if head.lstrip()[:1] == b"{" else len(head)
    end = _end_of_entry(head, begin) if begin < len(head) else None
    return end is not None and _SAME_LINE.match(head, end) is not None


def record_lines(pieces: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield the objects of each piece, one a line; nothing of it is validated.

    From the first that is no object, or has more than `most_bytes`, the rest is passed on as it is. An
    object without an end has no line feed.
    """
    text, enough = bytearray(), 0
    try:
        for piece in pieces:
            text += piece
            if len(text) < enough:
                yield b""
                continue
            lines, end, is_foreign = _objects_in(bytes(text), is_over=False)
            yield lines
            del text[:end]
            if is_foreign or len(text) > most_bytes:
                yield bytes(text)
                yield from pieces
                return
            enough = 2 * len(text)  # what has no end yet is not walked again for each piece
    except DataflowError:  # damage: what came before is whole
        yield _objects_in(bytes(text), is_over=True)[0]
        raise
    lines, end, _ = _objects_in(bytes(text), is_over=True)
    yield lines + text[end:]


def _objects_in(text: bytes, *, is_over: bool) -> tuple[bytes, int, bool]:
    """Return the whole objects in a text as lines, where they end, and whether something else follows."""
    lines: list[bytes] = []
    at = 0
    while True:
        begin = _end_between(text, at)
        first = text[begin : begin + 1]
        end = _end_of_entry(text, begin) if first in (*_OPENING, _QUOTE) else None
        line = None if end is None else _line_of(text[begin:end])
        if end is None or line is None:
            is_cut = end is None and first in _OPENING
            may_go_on = first == _QUOTE and not is_over and len(text) - begin < STEP_BYTES
            return b"".join(lines), begin, bool(first) and not is_cut and not may_go_on
        lines.append(line)
        at = end


def _line_of(entry: bytes) -> bytes | None:
    """Return an entry, or what is not known of an envelope, as a line; null if it is none."""
    if entry.startswith(b"["):
        timed = TIMED_LINE.fullmatch(entry)
        return None if timed is None else b'{"time":%b,"line":%b}\n' % timed.groups()
    # A line feed in an object stands between its values, or it is no JSON.
    return entry.replace(b"\n", b" ") + b"\n"


def _end_between(text: bytes, at: int) -> int:
    while True:
        match = _BETWEEN.match(text, at)
        assert match is not None
        envelope = ENVELOPE.match(text, match.end(), match.end() + STEP_BYTES)
        if envelope is None:
            return match.end()
        at = envelope.end()


def _end_of_entry(text: bytes, begin: int) -> int | None:
    if text.startswith(_QUOTE, begin):
        rest = ENVELOPE_END.match(text, begin, begin + STEP_BYTES)
        return None if rest is None else rest.end()
    if shallow := _SHALLOW.match(text, begin, begin + STEP_BYTES):
        return shallow.end()
    steps = end_of_brackets(text, begin)
    while True:
        try:
            next(steps)
        except StopIteration as over:
            end: int | None = over.value
            return end
