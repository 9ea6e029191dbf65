"""Piece file: lets the pieces of an input be read as a file."""

from dataflow.inputs.input import Pieces


class PieceFile:
    """Reads as many bytes at a time as its reader wants; who knows a bound refuses more in `read`."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._held, self._at = b"", 0
        """A piece, and how much of it was read: what is left is not copied for each byte that is read."""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        parts, missing = [], size
        while missing > 0 and not self.is_over():
            part = self._held[self._at : self._at + missing]
            self._at += len(part)
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def put_back(self, read: bytes) -> None:
        """Let these bytes be read again."""
        self._held, self._at = read + self._held[self._at :], 0

    def is_over(self) -> bool:
        """Tell whether nothing is left."""
        if self._at == len(self._held):
            self._held, self._at = next(self._pieces, b""), 0
        return not self._held
