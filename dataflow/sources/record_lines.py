"""Record lines: log entries in a JSON array, or in ``{"records":[…]}`` as of Azure, in; one a line out."""

import re
from collections.abc import Iterator
from typing import Final

from dataflow.errors import DataflowError
from dataflow.sources.element_end import STEP_BYTES, STRING, end_of_brackets

_SPACES: Final = rb"[ \t\r\n]{0,64}+"
_OPENED: Final = rb'\{%b"records"%b:%b\[' % (_SPACES, _SPACES, _SPACES)
_LONGEST_OPENED: Final = len('{"records":[') + 3 * 64
_BEGIN: Final = re.compile(rb'%b(?:\[%b\{%b["}]|%b)' % (_SPACES, _SPACES, _SPACES, _OPENED))
_BETWEEN: Final = re.compile(rb"(?:[ \t\r\n,\[\]}]++|%b)*+" % _OPENED)
_FLAT: Final = rb'\{(?>[^{}\[\]"]++|%b)*+\}' % STRING
_SHALLOW: Final = re.compile(rb'\{(?>[^{}\[\]"]++|%b|%b)*+\}' % (STRING, _FLAT), re.DOTALL)
"""What most entries are, in one step; any other is walked bracket by bracket."""


def begins_in_records(head: bytes) -> bool:
    """Tell whether a body or file is one or more arrays of objects; no line of text begins so."""
    return _BEGIN.match(head) is not None


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
        if begin == len(text):
            return b"".join(lines), begin, False
        if not is_over and len(text) - begin < _LONGEST_OPENED:
            return b"".join(lines), begin, False
        end = _end_of_object(text, begin) if text.startswith(b"{", begin) else begin
        if end is None or end == begin:
            return b"".join(lines), begin, end is not None
        # A line feed in an object stands between its values, or it is no JSON.
        lines.append(text[begin:end].replace(b"\n", b" ") + b"\n")
        at = end


def _end_between(text: bytes, at: int) -> int:
    match = _BETWEEN.match(text, at)
    assert match is not None
    return match.end()


def _end_of_object(text: bytes, begin: int) -> int | None:
    if shallow := _SHALLOW.match(text, begin, begin + STEP_BYTES):
        return shallow.end()
    steps = end_of_brackets(text, begin)
    while True:
        try:
            next(steps)
        except StopIteration as over:
            end: int | None = over.value
            return end
