"""Input: a file or an S3 object, and its bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataflow.errors import DataflowError

Pieces = Iterator[bytes]

S3_SCHEME = "s3://"

PIECE_BYTES = 64 << 10
"""Read at once; a dead letter of a thousand bytes for each byte of it still fits into memory."""


class UnreadableInput(DataflowError):
    """This input cannot be read, or not to its end; others can."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file or an object, as it was listed."""

    path: str
    """Absolute and without links; for an object s3://bucket/key."""
    size: int
    """Bytes as they are stored, maybe packed."""
    version: str
    """Changes when the input is written to."""
    is_finished: bool
    """It is not written to any more: bytes after the last line feed are a line, too."""
    open: Callable[[], Pieces]
    """Return its bytes as they are stored; raises `UnreadableInput`."""
