"""Element end: where a long element of a JSON array ends, found in short steps."""

import re
from collections.abc import Generator
from typing import Final

STEP_BYTES: Final = 16 << 10
"""So much is walked at once; then others have their turn."""

MOST_DEPTH: Final = 200_000
"""Of brackets in brackets: nothing that reads JSON takes a hundredth of that."""

STRING: Final = rb'"(?>[^"\\]++|\\.)*+"'
_BRACKET: Final = re.compile(STRING + rb'|[{}\[\]"]', re.DOTALL)
_REST_OF_STRING: Final = re.compile(rb'(?>[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR: Final = re.compile(rb'[^][{}", \t\r\n]++')

End = Generator[bytes, None, int | None]
"""Returns where it ends, None if it never does; yields nothing after each step."""


def end_of_scalar(text: bytes, at: int) -> End:
    """Find the end of a number or a word."""
    while part := _SCALAR.match(text, at, at + STEP_BYTES):
        at = part.end()
        yield b""
    return at


def end_of_brackets(text: bytes, at: int) -> End:
    """Find the end of an object, an array or a string."""
    depth = 0
    while at < len(text):
        stop = at + STEP_BYTES
        for token in _BRACKET.finditer(text, at, stop):
            end: int | None = token.end()
            if token[0] == b'"':  # of a string that does not end in this step
                end = yield from _end_of_string(text, token.end())
            depth += _DEEPER.get(token[0], 0)
            if end is None or depth > MOST_DEPTH:
                return None
            if depth <= 0:
                return end
            if token[0] == b'"':
                stop = end
                break
        at = stop
        yield b""
    return None


_DEEPER: Final = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


def _end_of_string(text: bytes, at: int) -> End:
    """Find the end of a string that has begun before `at`."""
    while rest := _REST_OF_STRING.match(text, at, at + STEP_BYTES):
        end = rest.end()
        if text[end : end + 1] == b'"':
            return end + 1
        if end == at:  # the text is over, maybe within an escape
            return None
        at = end
        yield b""
    return None
