"""JSON array: its text in, the bytes of each element, as sent, out; one at a time."""

import re
from collections.abc import Iterator

from dataflow.engine.json_members import end_of_nested
from dataflow.errors import InvalidEvent, Reason

_STRING = rb'"(?>[^"\\]++|\\.)*+"'
_SPACE = re.compile(rb"[ \t\r\n]*+")
_OPEN = re.compile(rb"[ \t\r\n]*+\[[ \t\r\n]*+")
_END = re.compile(rb"[ \t\r\n]*+(,|\])[ \t\r\n]*+")
# Flat objects, which logs are, in one step; the rest bracket by bracket.
_FLAT = re.compile(rb'\{(?>[^{}\[\]"]++|%b)*+\}|%b|[^][{}", \t\r\n]++' % (_STRING, _STRING), re.DOTALL)


def is_array(text: bytes) -> bool:
    """Tell whether a body begins as a JSON array does."""
    return _OPEN.match(text) is not None


class ArrayFault(InvalidEvent):
    """The array goes wrong at byte `at`; what is as it should be ends where `rest` begins."""

    def __init__(self, text: bytes, begin: int, at: int) -> None:
        super().__init__(Reason.NOT_JSON, f"array goes wrong at byte {at}; expected an element, a comma or ]")
        self.rest = text[begin:]


def elements(text: bytes) -> Iterator[bytes]:
    """Yield each element; whether it is valid in itself is not looked at.

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
            end = _end_of_element(text, at)
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


def _end_of_element(text: bytes, at: int) -> int:
    flat = _FLAT.match(text, at)
    if flat is not None:
        return flat.end()
    end = None if text[at : at + 1] in (b"}", b"]") else end_of_nested(text, at)
    if end is None:
        raise ArrayFault(text, at, at)
    return end
