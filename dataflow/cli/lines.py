"""Lines: reads a file of any kind that `dataflow ingest` reads, or stdin, line by line."""

import sys
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Final

from dataflow.errors import Misconfigured
from dataflow.inputs.input import PIECE_BYTES, Pieces, UnreadableInput
from dataflow.inputs.kinds import MAGIC_BYTES, kind_of
from dataflow.inputs.text import encoding_of, is_text
from dataflow.inputs.unpacker import Unpacker
from dataflow.sources.journal_entries import BEGIN as JOURNAL
from dataflow.sources.record_lines import begins_in_records

STDIN = Path("-")

MOST_LINE_BYTES: Final = 64 << 20
"""No topic takes a record as large as this. Without a bound, a packed file of 1 MB could fill the memory."""


class Lines:
    """The lines of one file, without their line feeds.

    Raises `UnreadableInput` for a file that is no text, where one is damaged, and for a line of more than
    `MOST_LINE_BYTES`. A line feed at the end of the file does not begin another line. A byte order mark at
    its begin, and the hole of NULs that a truncated file leaves in front of a line, are none of a line.
    Nothing else is removed: a carriage return belongs to its line, and an empty line is a line.
    """

    def __init__(self, name: str, file: IO[bytes], size: int | None, *, are_json: bool = True) -> None:
        self._name = name
        self._are_json = are_json
        self._file = file
        self.size = size
        """Stored bytes of the file; None if unknown."""
        self.position = 0
        """How many of these bytes have been read."""

    def __iter__(self) -> Iterator[bytes]:
        stored = self._stored()
        begin = _first_line(stored) if self.size is None else b""
        pieces = chain((begin,), stored) if begin else stored
        is_apart = not self._are_json and begins_in_records(begin)
        if is_apart or not (begin and _is_plain(begin)):
            pieces = Unpacker(may_be_records=True, are_lines_json=self._are_json).unpacked(self._name, pieces)
        return _split(self._name, pieces)

    def _stored(self) -> Pieces:
        # Of a pipe what is there is passed on at once: who follows a log waits for no block to be full.
        read = self._file.read if self.size is not None else getattr(self._file, "read1", self._file.read)
        while piece := read(PIECE_BYTES):
            self.position += len(piece)
            yield piece


def _first_line(pieces: Pieces) -> bytes:
    """Return what a pipe begins with: a line, or enough to tell its kind."""
    begin = b""
    while b"\n" not in begin and len(begin) < MAGIC_BYTES and (piece := next(pieces, b"")):
        begin += piece
    return begin


def _is_plain(begin: bytes) -> bool:
    try:
        getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return False
    is_packed = kind_of(begin) is not None or begin.startswith(JOURNAL)
    return not is_packed and encoding_of(begin) is None and is_text(begin)


def _split(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    lines = _parted(name, pieces)
    for first in lines:
        yield first.removeprefix(BOM_UTF8)
        break
    yield from lines


def _parted(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    begun, number = bytearray(), 0  # of the last line, which may go on in the next piece; lines before it
    for piece in pieces:
        first, *others = piece.split(b"\n")
        begun += first if begun else _without_hole(first)
        if others:
            yield bytes(begun)
            *lines, last = map(_without_hole, others) if b"\0" in piece else others
            yield from lines
            begun, number = bytearray(last), number + len(others)
        if len(begun) > MOST_LINE_BYTES:
            raise UnreadableInput(
                f"line {number + 1} of {name} has more than {MOST_LINE_BYTES} bytes; expected an event a line"
            )
    if begun:
        yield bytes(begun)


def _without_hole(line: bytes) -> bytes:
    return line.lstrip(b"\0")


@contextmanager
def lines_of(path: Path, *, are_json: bool = True) -> Iterator[Lines]:
    """Open a file, plain or packed as detected from its content; `-` is stdin."""
    if path == STDIN:
        yield Lines("stdin", sys.stdin.buffer, None, are_json=are_json)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise Misconfigured(
            f"FILE is '{path}'; expected a file that can be read ({error.strerror})"
        ) from error
    with file:
        yield Lines(str(path), file, path.stat().st_size if path.is_file() else None, are_json=are_json)
