"""Piece file: lets the pieces of an input be read as a file."""

from dataflow.inputs.input import Pieces


class PieceFile:
    """Reads as many bytes at a time as its reader wants; who knows a bound refuses more in `read`."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._held = b""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        parts, missing = [self._held], size - len(self._held)
        while missing > 0 and (piece := next(self._pieces, b"")):
            parts.append(piece)
            missing -= len(piece)
        held = b"".join(parts)
        self._held = held[size:]
        return held[:size]

    def is_over(self) -> bool:
        """Tell whether nothing is left."""
        self._held = self._held or next(self._pieces, b"")
        return not self._held
