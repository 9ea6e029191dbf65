"""Lines: the pieces of a content in; its ended lines, how far they reach and their hash out."""

from collections.abc import Iterator
from hashlib import sha256

from dataflow.inputs.input import Pieces
from dataflow.sources.text_lines import split_lines

BEGIN_BYTES = 512
"""By so much those are found that a content is compared with."""


class ContentReader:
    """Goes once through a content; `reached`, hash and begin are of what was passed."""

    def __init__(self, pieces: Pieces) -> None:
        self.reached = 0
        self.tail: list[bytes] = []
        """Once all ended lines were read: the line behind the last line feed, if there is one."""
        self._pieces = pieces
        self._begin = b""
        self._held = b""
        self._hash = self._ahead = sha256()
        self._read = 0
        self._is_over = False

    @property
    def sha256(self) -> str:
        """Hash of the content up to `reached`."""
        return self._hash.hexdigest()

    @property
    def begin(self) -> bytes:
        """The first `BEGIN_BYTES` of that, or all."""
        return self._begin[: self.reached]

    def peek(self) -> bytes:
        """Return the first `BEGIN_BYTES` of all there is; only before anything is passed."""
        while len(self._held) < BEGIN_BYTES and (piece := self._next()):
            self._held += piece
        return self._held[:BEGIN_BYTES]

    def pass_to(self, offset: int) -> bool:
        """Pass what lies before an offset; return False if the content ends before."""
        while self.reached < offset:
            piece = self._held or self._next()
            if not piece:
                return False
            missing = offset - self.reached
            passed, self._held = piece[:missing], piece[missing:]
            self._hash.update(passed)
            self.reached += len(passed)
        return True

    def pass_to_end(self) -> None:
        """Pass all there is."""
        while self._held or (piece := self._next()):
            if not self._held:
                self._held = piece
            self.pass_to(self.reached + len(self._held))

    def ended_lines(self, most_bytes: int) -> Iterator[list[bytes]]:
        """Yield the lines behind what was passed that a line feed ends; blank ones are left out.

        `reached` goes on with them. Of a line that is longer than `most_bytes` one byte more
        than that is kept.
        """
        for lines in split_lines(self._watched(), most_bytes):
            if self._is_over:
                self.tail = lines
            else:
                yield lines

    def pass_tail(self) -> None:
        """Pass what stands behind the last line feed, too."""
        self._hash, self.reached = self._ahead, self._read

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        if len(self._begin) < BEGIN_BYTES:
            self._begin = (self._begin + piece)[:BEGIN_BYTES]
        return piece

    def _watched(self) -> Pieces:
        self._ahead, self._read = self._hash.copy(), self.reached
        while piece := self._held or self._next():
            self._held = b""
            end = piece.rfind(b"\n") + 1
            if end:
                self._ahead.update(memoryview(piece)[:end])
                self._hash, self.reached = self._ahead, self._read + end
                self._ahead = self._hash.copy()
            self._ahead.update(memoryview(piece)[end:])
            self._read += len(piece)
            yield piece
        self._is_over = True
