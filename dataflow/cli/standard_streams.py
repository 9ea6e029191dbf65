"""Standard streams: stdin, stdout and stderr of a command, as whoever starts it has left them."""

import errno
import os
import select
import sys
from typing import TextIO, cast

FAILURES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EROFS})
"""Of reading and writing: faults of a disk or a stream, not of the program."""


def prepare_streams() -> None:
    """Open the streams that are closed, and let no locale stop what a command prints.

    Otherwise the next file or socket would get the number of a closed stream, and its content what is
    printed. A closed stdin cannot be read, and a closed stdout cannot be written. Programs get UTF-8,
    as JSON has to be; a terminal that lacks a character gets an escape.
    """
    sys.stdin = sys.stdin or _opened(0, os.O_WRONLY, "r")
    sys.stdout = sys.stdout or _opened(1, os.O_RDONLY, "w")
    sys.stderr = sys.stderr or _opened(2, os.O_WRONLY, "w")
    if hasattr(sys.stdout, "reconfigure"):  # a test may have put another in its place
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _opened(number: int, flags: int, mode: str) -> TextIO:
    descriptor = os.open(os.devnull, flags)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    opened = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  # it stays open
    return cast("TextIO", opened)


def reader_is_gone() -> bool:
    """Tell whether nobody reads stdout any more: `head`, say, has had enough."""
    poll = select.poll()
    poll.register(1, 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def drop_output() -> None:
    """Write nothing more to stdout: Python would complain at its end of what is still in the buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
