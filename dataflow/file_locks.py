"""File locks between processes: a path in, a lock out that ends with its holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of this path, waiting for whoever has it."""
    held = _open(path)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock of this path, or None when another has it.

    The lock goes when the last process that inherited the descriptor ends.
    """
    held = _open(path)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
