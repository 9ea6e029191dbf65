"""Contents: the unpacked bytes of an input, in pieces of bounded size, and a reader of their lines."""

from collections.abc import Iterator
from hashlib import sha256

from dataflow.inputs.input import Input, Pieces, UnreadableInput
from dataflow.inputs.prefixes import LONGEST_PREFIX, MOST_PREFIXES, prefixes_of
from dataflow.inputs.unpacker import Unpacker
from dataflow.sources.body_events import split_lines

BEGIN_BYTES = 1_024
"""Contents with the same begin of this length are compared; what CloudFront begins with has 560 bytes."""


class InputContent:
    """The unpacked content of an input: lines of text."""

    def __init__(self, source: Input, *, may_be_records: bool) -> None:
        self.stored_bytes = 0
        """How many of its stored bytes were read."""
        self._source = source
        self._lines = Unpacker(may_be_records=may_be_records, are_lines_json=may_be_records)

    @property
    def is_packed(self) -> bool:
        """Tell whether it is packed in any way: then it is complete, and nobody is writing its last line."""
        return self._lines.is_packed

    def pieces(self) -> Pieces:
        """Yield the content; raises `UnreadableInput` where it is truncated, broken, or no text."""
        # An empty piece is the end to whoever reads.
        return filter(None, self._lines.unpacked(self._source.path, self._stored()))

    def _stored(self) -> Pieces:
        self.stored_bytes = 0
        for piece in self._source.open():
            self.stored_bytes += len(piece)
            yield piece


class ContentReader:
    """Reads a content once; `reached`, hash and begin refer to the bytes that were passed."""

    def __init__(self, pieces: Pieces) -> None:
        self.reached = 0
        self.tail: list[bytes] = []
        """After all complete lines: the line after the last line feed, if any."""
        self._pieces = pieces
        self._begin = bytearray()
        self._prefixes = b""
        self._rest = b""
        self._hash = self._ahead = sha256()
        self._read = 0
        self._is_over = False
        self._fault: UnreadableInput | None = None

    @property
    def sha256(self) -> str:
        """Hash of the content before `reached`."""
        return self._hash.hexdigest()

    @property
    def begin(self) -> bytes:
        """The first `BEGIN_BYTES` of that content, or all of it."""
        return bytes(self._begin[: min(self.reached, BEGIN_BYTES)])

    @property
    def prefixes(self) -> bytes:
        """Hashes of longer begins of that content."""
        if len(self._prefixes) < MOST_PREFIXES:
            self._prefixes = prefixes_of(bytes(self._begin[: self.reached]))
        return self._prefixes

    def peek(self, size: int = BEGIN_BYTES) -> bytes:
        """Return so many first bytes of the whole content; only before anything is passed.

        Damage among them is told to who reads on to it: the lines before it are whole.
        """
        rest = bytearray(self._rest)
        try:
            while len(rest) < size and (piece := self._next()):
                rest += piece
        except UnreadableInput as fault:
            self._fault = fault
        self._rest = bytes(rest)
        return self._rest[:size]

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
        if self._fault is not None:
            raise self._fault
        piece = next(self._pieces, b"")
        if len(self._begin) < LONGEST_PREFIX:
            self._begin += piece[: LONGEST_PREFIX - len(self._begin)]
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
