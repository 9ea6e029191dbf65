"""Body events: the pieces of an unpacked body in, the events in it, as sent, out."""

import re
from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator
from http import HTTPStatus
from itertools import chain

import msgspec
import orjson

from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.errors import InvalidEvent, Reason
from dataflow.http_error import HttpError
from dataflow.sources.element_end import STEP_BYTES, STRING, end_of_brackets, end_of_scalar
from dataflow.sources.inflate import PIECE_BYTES

ELEMENTS_AT_ONCE = 100

PING_BYTES = 200  # no event is as short as the ping that DataStream 2 sends on saving a stream
STRUCTURED_PING = b"0,access_validation"
JSON_PING = {"access_validation": True}
RETURN = ord("\r")

_SPACE = re.compile(rb"[ \t\r\n]*+")
_OPEN = re.compile(rb"[ \t\r\n]*+\[[ \t\r\n]*+")
_END = re.compile(rb"[ \t\r\n]*+(,|\])[ \t\r\n]*+")
# Flat objects, which logs are, in one step; the rest bracket by bracket.
_FLAT = re.compile(rb'\{(?>[^{}\[\]"]++|%b)*+\}|%b|[^][{}", \t\r\n]++' % (STRING, STRING), re.DOTALL)

_validate = msgspec.json.Decoder(msgspec.Raw).decode


def read_head(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the begin of a body, at least so many bytes or all of it, and the pieces behind."""
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= size:
            break
    return bytes(head), pieces


def is_ping(head: bytes) -> bool:
    """Tell whether a body is the ping with which DataStream 2 tries a receiver."""
    if len(head) > PING_BYTES or b"access_validation" not in head:
        return False
    if head.strip() == STRUCTURED_PING:
        return True
    try:
        sent = orjson.loads(head)
    except orjson.JSONDecodeError:
        return False
    return sent in (JSON_PING, [JSON_PING])


def json_events(
    head: bytes, rest: Iterator[bytes], most_line_bytes: int, most_array_bytes: int
) -> Iterator[list[bytes]]:
    """Yield the events of a body: a JSON array, an object over several lines, or one object a line.

    An array is held whole; one of more than `most_array_bytes` is refused. One that goes
    wrong raises `ArrayFault` behind the events before that. A byte order mark is no part of any.
    """
    head = head.removeprefix(BOM_UTF8)
    if is_array(head):
        whole = yield from _joined(head, rest, most_array_bytes)
        yield from _by_the_hundred(walked_elements(whole))
    elif len(head) < PIECE_BYTES and _is_one_object(head):
        yield [head.strip()]
    else:
        yield from split_lines(chain((head,), rest), most_line_bytes)


def _by_the_hundred(stream: Iterator[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    size = 0
    try:
        for element in stream:
            if element:
                some.append(element)
                size += len(element)
            if not element or size >= STEP_BYTES or len(some) == ELEMENTS_AT_ONCE:
                yield some
                some, size = [], 0
    except ArrayFault:
        yield some
        raise
    yield some


def _joined(head: bytes, rest: Iterator[bytes], most_bytes: int) -> Generator[list[bytes], None, bytes]:
    whole = bytearray(head)
    for piece in rest:
        whole += piece
        yield []
        if len(whole) > most_bytes:
            raise HttpError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"array is more than {most_bytes} bytes; expected at most that, or one object a line",
            )
    return bytes(whole)


def _is_one_object(text: bytes) -> bool:
    text = text.strip()
    first_line, line_end, _ = text.partition(b"\n")
    return bool(line_end) and text.startswith(b"{") and not is_json(first_line) and is_json(text)


def is_json(text: bytes) -> bool:
    """Tell whether a text is JSON; half a character in it is no fault."""
    try:
        _validate(replace_lone_surrogates(text))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def split_lines(pieces: Iterable[bytes], most_bytes: int) -> Iterator[list[bytes]]:
    """Yield the lines of each piece, without their line ends; blank ones are left out.

    Of a line that is longer than `most_bytes` one byte more than that is kept, so that
    who reads it can tell. The hole of NULs that a truncated file leaves in front of a line is no part of it,
    nor is the byte order mark that a file begins with, also one behind another (`cat a b`).
    """
    begun, kept = bytearray(), most_bytes + 1  # pieces may be tiny: a line is not copied for each of them
    for piece in pieces:
        *lines, last = piece.split(b"\n") if b"\0" not in piece else _without_holes(piece, begun)
        if lines:
            if len(begun) < kept:
                begun += lines[0]
            lines[0], begun = bytes(begun).removeprefix(BOM_UTF8), bytearray(last)
            if BOM_UTF8[:1] in piece:  # one byte is found ten times as fast as three
                lines[1:] = [line.removeprefix(BOM_UTF8) for line in lines[1:]]
            yield _cleaned(lines, kept)
        else:
            begun += last[: max(0, kept - len(begun))]
            yield []
    yield _cleaned([bytes(begun).removeprefix(BOM_UTF8)], kept)


def _without_holes(piece: bytes, begun: bytearray) -> list[bytes]:
    first, *others = piece.split(b"\n")
    return [first if begun else first.lstrip(b"\0"), *(line.lstrip(b"\0") for line in others)]


def _cleaned(lines: list[bytes], kept: int) -> list[bytes]:
    # What stands before the line feed on Windows is no part of the line.
    return [
        line[:-1] if line[-1] == RETURN and len(line) < kept else line[:kept]
        for line in lines
        if line and not line.isspace()
    ]


def is_array(text: bytes) -> bool:
    """Tell whether a body begins as a JSON array does."""
    return _OPEN.match(text) is not None


class ArrayFault(InvalidEvent):
    """The array goes wrong at byte `at`; what is as it should be ends where `rest` begins."""

    def __init__(self, text: bytes, begin: int, at: int) -> None:
        super().__init__(Reason.NOT_JSON, f"array goes wrong at byte {at}; expected an element, a comma or ]")
        self.rest = text[begin:]


def elements(text: bytes) -> Iterator[bytes]:
    """Yield each element, as `walked_elements`."""
    return filter(None, walked_elements(text))


def walked_elements(text: bytes) -> Iterator[bytes]:
    """Yield each element, and nothing after each step of a long one; whether one is valid is not looked at.

    A plain generator over the text: msgspec's list of raw values would take a hundred times
    the memory of a body such as ``[1,1,1,…]``. Raises `ArrayFault`.
    """
    opened = _OPEN.match(text)
    assert opened is not None
    at = opened.end()
    if text.startswith(b"]", at):
        at += 1
    else:
        while True:
            flat = _FLAT.match(text, at, at + STEP_BYTES)
            is_whole = flat is not None and (flat.end() < at + STEP_BYTES or text[at] in _CLOSED)
            end = flat.end() if flat is not None and is_whole else (yield from _end_of_long(text, at, flat))
            closed = _END.match(text, end)
            if closed is None:
                raise ArrayFault(text, at, end)
            yield text[at:end]
            at = closed.end()
            if closed[1] == b"]":
                break
    rest = _SPACE.match(text, at)
    assert rest is not None
    if rest.end() != len(text):
        raise ArrayFault(text, rest.end(), rest.end())


_CLOSED = frozenset(b'{"')
"""So begins what has an end of its own, unlike a number, which may go on."""


def _end_of_long(text: bytes, at: int, begin: re.Match[bytes] | None) -> Generator[bytes, None, int]:
    if begin is not None:
        end = yield from end_of_scalar(text, at)
    else:
        end = None if text[at : at + 1] in (b"}", b"]") else (yield from end_of_brackets(text, at))
    if end is None:
        raise ArrayFault(text, at, at)
    return end
