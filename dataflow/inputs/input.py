"""An input: where bytes are in; what is known of them before they are read, and their pieces, out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataflow.errors import DataflowError

Pieces = Iterator[bytes]

S3_SCHEME = "s3://"

PIECE_BYTES = 64 << 10
"""Read at once: a thousand bytes of dead letter for each byte of it still fit into memory."""


class UnreadableInput(DataflowError):
    """This input cannot be read, or not to its end: tell it, and go on with the others."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file or an object, as it was found."""

    path: str
    """Absolute and without links; of an object s3://bucket/key."""
    size: int
    """Bytes as they are stored, packed or not."""
    version: str
    """Another one when it was written since."""
    is_finished: bool
    """Nobody is writing it any more: what stands behind the last line feed is a line, too."""
    open: Callable[[], Pieces]
    """Give its bytes as they are stored; raises `UnreadableInput`."""
