"""Lines: reads a plain or gzip file, or stdin, line by line."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataflow.errors import DataflowError, Misconfigured

GZIP_MAGIC = b"\x1f\x8b"
STDIN = Path("-")


class BrokenFile(DataflowError):
    """The file is truncated or damaged; the lines before that were read."""


class Lines:
    """The lines of one file, without their line feeds.

    A line feed at the end of the file does not begin another line. Nothing else is removed:
    a carriage return belongs to its line, and an empty line is a line.
    """

    def __init__(self, file: io.BufferedReader, size: int | None) -> None:
        self._file = file
        self.size = size
        """Stored bytes of the file; None if unknown."""

    @property
    def position(self) -> int:
        """How many of these bytes have been read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[bytes]:
        start = self._file.peek(2)[:2]  # a slow pipe may give one byte
        is_packed = start != b"" and GZIP_MAGIC.startswith(start)
        try:
            for line in gzip.GzipFile(fileobj=self._file) if is_packed else self._file:
                yield line.removesuffix(b"\n")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BrokenFile(f"{self._file.name} is damaged gzip ({error}); expected a whole file") from error


@contextmanager
def lines_of(path: Path) -> Iterator[Lines]:
    """Open a file, plain or gzip as detected from its content; `-` is stdin."""
    if path == STDIN:
        stdin = sys.stdin.buffer
        assert isinstance(stdin, io.BufferedReader)
        yield Lines(stdin, None)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise Misconfigured(f"FILE is '{path}'; expected a file that can be read ({error})") from error
    with file:
        yield Lines(file, path.stat().st_size)
