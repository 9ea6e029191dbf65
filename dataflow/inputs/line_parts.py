"""Line parts: joins lines that a container runtime has cut, in the files that it writes."""

import re
from typing import Final

from dataflow.inputs.input import Pieces

_TIME = rb"[0-9-]{10}T[0-9:.]{8,18}(?:Z|[+-][0-9:]{5})"
# Kubernetes (CRI): part (P), or whole or the last part (F).
_CRI = re.compile(rb"(%b (stdout|stderr) )([FP])((?::[^ \n]*)? )(.*)" % _TIME, re.DOTALL)
# Docker's json-file: the last part ends with a line feed.
_DOCKER = re.compile(rb'(\{"log":")(.*)(","stream":"(stdout|stderr)".*)', re.DOTALL)
_BEGIN = re.compile(rb'%b (?:stdout|stderr) [FP][: ]|\{"log":"' % _TIME)
_MAY_BE_PART = re.compile(rb'(?:stdout|stderr) P[: ]|(?<!\\n)","stream":"std').search

_LEAST_CUT: Final = 16_000
"""Docker cuts at 16 KiB; what is shorter and has no line feed is the last word of a container."""

MOST_HELD: Final = 4 << 20
"""So many bytes of parts are kept until the last one comes."""

_Parts = dict[bytes, bytearray]
"""By stdout and stderr: the parts so far, as the begin of one line."""


def begins_in_parts(head: bytes) -> bool:
    """Tell whether a file is of a container runtime that cuts long lines."""
    return _BEGIN.match(head) is not None


def joined_parts(pieces: Pieces) -> Pieces:
    """Yield the lines of a runtime's file, each that it has cut as one; at the end the rest has no end."""
    begun, held = bytearray(), _Parts()  # pieces and parts may be tiny: nothing is copied for each of them
    for piece in pieces:
        whole, line_feed, rest = piece.rpartition(b"\n")
        if not line_feed:
            begun += rest
            if len(begun) > MOST_HELD:  # no runtime writes such a line
                yield bytes(begun)
                begun = bytearray()
            continue
        lines, begun = bytes(begun) + whole + line_feed, bytearray(rest)
        yield _joined(lines, held) if held or _MAY_BE_PART(lines) else lines
    # Without a line feed: whoever reads a file that grows waits for the rest.
    yield b" ".join(held.values()) + bytes(begun)


def _joined(lines: bytes, held: _Parts) -> bytes:
    joined = (_join(line, held) for line in lines[:-1].split(b"\n"))
    return b"".join(line + b"\n" for line in joined if line is not None)


def _join(line: bytes, held: _Parts) -> bytes | None:
    """Return the whole line that ends with this one; null if it is only a part."""
    if match := _CRI.fullmatch(line):
        front, stream, part, tags, text = match.groups()
        begin, end, is_part = front + b"P" + tags, b"", part == b"P"
    elif match := _DOCKER.fullmatch(line):
        begin, text, end, stream = match.groups()
        is_part = not text.endswith(b"\\n") and (len(text) >= _LEAST_CUT or stream in held)
    else:
        return line
    before = held.pop(stream, None)
    if is_part and len(before or b"") + len(line) <= MOST_HELD:
        held[stream] = bytearray(begin) if before is None else before
        held[stream] += text
        return None
    if before is None:
        return line
    whole = bytes(before) + text + end
    return whole if end or is_part else _as_whole(whole)


def _as_whole(line: bytes) -> bytes:
    match = _CRI.fullmatch(line)
    assert match is not None
    return match[1] + b"F" + match[4] + match[5]
