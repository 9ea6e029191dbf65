"""Contents: the unpacked bytes of an input, in pieces of bounded size, and a reader of their lines.

The format is detected from the first bytes: gzip, zstd or an Avro container; others are lines.
"""

from collections.abc import Iterator
from hashlib import sha256
from itertools import chain

from dataflow.inputs.avro import AVRO_MAGIC, json_lines
from dataflow.inputs.input import Input, Pieces, UnreadableInput
from dataflow.sources.body_events import read_head, split_lines
from dataflow.sources.inflate import UNPACKING_ERRORS, unpack

MAGIC_BYTES = 4
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
"""Follows a byte whose upper half is 5."""

BEGIN_BYTES = 512
"""Contents with the same begin of this length are compared."""


class InputContent:
    """The unpacked content of an input: lines of text."""

    def __init__(self, source: Input, *, may_be_avro: bool) -> None:
        self.is_packed = False
        """Packed inputs are complete: their last line is not being written."""
        self.stored_bytes = 0
        """How many of its stored bytes were read."""
        self._source = source
        self._may_be_avro = may_be_avro

    def pieces(self) -> Pieces:
        """Yield the content; raises `UnreadableInput` where it is truncated or broken."""
        head, rest = read_head(self._stored(), MAGIC_BYTES)
        encoding = _encoding_of(head)
        if encoding:
            head, rest = read_head(_unpacked(self._source.path, encoding, chain((head,), rest)), MAGIC_BYTES)
        is_avro = head.startswith(AVRO_MAGIC)
        self.is_packed = bool(encoding) or is_avro
        whole = chain((head,), rest) if head else rest
        if not is_avro:
            return whole
        if not self._may_be_avro:
            raise UnreadableInput(f"{self._source.path} is an Avro container; expected lines of text")
        return json_lines(self._source.path, whole)

    def _stored(self) -> Pieces:
        self.stored_bytes = 0
        for piece in self._source.open():
            self.stored_bytes += len(piece)
            yield piece


def _encoding_of(head: bytes) -> str | None:
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC) or (head[1:4] == ZSTD_SKIPPABLE and head[0] >> 4 == 5):
        return "zstd"
    return None


def _unpacked(path: str, encoding: str, packed: Pieces) -> Pieces:
    try:
        yield from filter(None, unpack(encoding, packed, padding=b"\0"))  # as on tapes
    except EOFError as error:
        raise UnreadableInput(f"{path} is truncated {encoding}; expected a whole file") from error
    except UNPACKING_ERRORS as error:
        raise UnreadableInput(f"{path} is broken {encoding} ({error}); expected a whole file") from error


class ContentReader:
    """Reads a content once; `reached`, hash and begin refer to the bytes that were passed."""

    def __init__(self, pieces: Pieces) -> None:
        self.reached = 0
        self.tail: list[bytes] = []
        """After all complete lines: the line after the last line feed, if any."""
        self._pieces = pieces
        self._begin = b""
        self._rest = b""
        self._hash = self._ahead = sha256()
        self._read = 0
        self._is_over = False

    @property
    def sha256(self) -> str:
        """Hash of the content before `reached`."""
        return self._hash.hexdigest()

    @property
    def begin(self) -> bytes:
        """The first `BEGIN_BYTES` of that content, or all of it."""
        return self._begin[: self.reached]

    def peek(self) -> bytes:
        """Return the first `BEGIN_BYTES` of the whole content; only before anything is passed."""
        while len(self._rest) < BEGIN_BYTES and (piece := self._next()):
            self._rest += piece
        return self._rest[:BEGIN_BYTES]

    def pass_to(self, offset: int) -> bool:
        """Pass the bytes before an offset; return False if the content ends earlier."""
        while self.reached < offset:
            piece = self._rest or self._next()
            if not piece:
                return False
            missing = offset - self.reached
            passed, self._rest = piece[:missing], piece[missing:]
            self._hash.update(passed)
            self.reached += len(passed)
        return True

    def pass_to_end(self) -> None:
        """Pass the whole content."""
        while self._rest or (piece := self._next()):
            if not self._rest:
                self._rest = piece
            self.pass_to(self.reached + len(self._rest))

    def complete_lines(self, most_bytes: int) -> Iterator[list[bytes]]:
        """Yield the following lines that end with a line feed, without blank ones.

        `reached` advances with them. Of a line that is longer than `most_bytes`, one byte more
        is kept.
        """
        for lines in split_lines(self._watched(), most_bytes):
            if self._is_over:
                self.tail = lines
            else:
                yield lines

    def pass_tail(self) -> None:
        """Pass the bytes after the last line feed, too."""
        self._hash, self.reached = self._ahead, self._read

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        if len(self._begin) < BEGIN_BYTES:
            self._begin = (self._begin + piece)[:BEGIN_BYTES]
        return piece

    def _watched(self) -> Pieces:
        self._ahead, self._read = self._hash.copy(), self.reached
        while piece := self._rest or self._next():
            self._rest = b""
            end = piece.rfind(b"\n") + 1
            if end:
                self._ahead.update(memoryview(piece)[:end])
                self._hash, self.reached = self._ahead, self._read + end
                self._ahead = self._hash.copy()
            self._ahead.update(memoryview(piece)[end:])
            self._read += len(piece)
            yield piece
        self._is_over = True
