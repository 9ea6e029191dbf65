"""Watched files: what some files say, read again when one of them has changed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

Signature = tuple[int, int, int]


class WatchedFiles(Generic[T]):
    """`content` is what `read` made of the files; whatever the first `read` raises is raised."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], T]) -> None:
        self.version = 0
        """Counts the changes of the content."""
        self._paths = paths
        self._read = read
        self._signatures = self._look()
        self.content = read()

    def refresh(self) -> bool:
        """Read the files again if one of them has changed; return whether the content is new.

        An error of `read` is raised once for each change; the old content stays in use.
        """
        signatures = self._look()
        if signatures == self._signatures:
            return False
        self._signatures = signatures
        self.content = self._read()
        self.version += 1
        return True

    def _look(self) -> list[Signature | None]:
        return [_signature(path) for path in self._paths]


def _signature(path: Path) -> Signature | None:
    """Return what differs once a file has changed; None while there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
