"""Pipes: standard input, and what a shell puts in place of a file."""

import os
import stat
import time
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from dataflow.inputs.input import PIECE_BYTES, Input, Pieces, UnreadableInput

STDIN = "-"


def is_pipe(place: str) -> bool:
    """Tell whether a place is standard input, or a pipe without a name of its own: `<(zcat a.gz)`."""
    return place == STDIN or (place.startswith(("/dev/", "/proc/")) and _is_fifo(place))


def piped(place: str) -> Input | UnreadableInput:
    """Return the whole of a pipe, copied to a temporary file: an input may be read more than once."""
    path = "/dev/stdin" if place == STDIN else place
    try:
        with Path(path).open("rb", buffering=0) as pipe:
            if pipe.isatty():
                return UnreadableInput(
                    f"{path} is a terminal; expected a pipe or a file: `zcat a.gz | dataflow …`"
                )
            copy = _copied(pipe)
    except OSError as error:
        return UnreadableInput(f"{path} cannot be read ({error.strerror}); expected a pipe that can")
    return Input(path, len(copy), f"{time.time_ns()}", is_finished=True, open=lambda: _pieces(copy))


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116  # pathlib resolves such a link, to nothing
    except OSError:
        return False


def _copied(pipe: IO[bytes]) -> mmap | bytes:
    with TemporaryFile() as copy:
        while piece := pipe.read(PIECE_BYTES):
            copy.write(piece)
        copy.flush()
        return mmap(copy.fileno(), 0, access=ACCESS_READ) if copy.tell() else b""


def _pieces(copy: mmap | bytes) -> Pieces:
    for at in range(0, len(copy), PIECE_BYTES):
        yield bytes(copy[at : at + PIECE_BYTES])
