"""Watched files: what some files say, read again when one of them has changed."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from dataflow import metrics
from dataflow.errors import Misconfigured
from dataflow.logs import get_log

log = get_log(__name__)

REFUSED = metrics.gauge("dataflow_file_refused")

T = TypeVar("T")

Signature = tuple[int, int, int]
LOOK_SECONDS = 1.0


class WatchedFiles(Generic[T]):
    """`content` is what `read` made of the files; whatever the first `read` raises is raised."""

    def __init__(
        self, paths: Sequence[Path], read: Callable[[], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.version = 0  # counts the changes of the content
        self._paths = paths
        self._read = read
        self._clock = clock
        self._unreadable: str | None = None  # why the files could not be read the last time
        self._signatures = self._look()
        self._looked_at = clock()
        self.content = read()
        self._note(is_refused=False)

    def refresh(self) -> bool:
        """Read the files again if one of them has changed; return whether the content is new.

        An error of `read` is raised once for each change; the old content stays in use. What could not be
        read is tried again each time: rights that are mended leave size and time of a file as they were.
        """
        signatures, told = self._look(), self._unreadable
        is_changed = signatures != self._signatures
        if not is_changed and told is None:
            return False
        self._signatures, self._unreadable = signatures, None
        try:
            self.content = self._read()
        except Misconfigured as fault:
            self._note(is_refused=True)
            self._unreadable = str(fault) if isinstance(fault.__cause__, OSError) else None
            if not is_changed and self._unreadable == told:
                return False
            raise
        self._note(is_refused=False)
        self.version += 1
        return True

    def latest(self) -> T:
        """Return what the files say, read again at most a second after one has changed.

        A file that is gone or broken (`Misconfigured`) is logged, and what it said before stays.
        """
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = self._clock()
            files = ", ".join(map(str, self._paths))
            try:
                if self.refresh():
                    log.info("New content of a file is in use.", file=files)
            except Misconfigured as fault:
                log.warning(
                    "New content of a file is refused; the old one stays in use.", file=files, error=fault
                )
        return self.content

    def _note(self, *, is_refused: bool) -> None:
        if self._paths:  # without any there is nothing that could change
            REFUSED.labels(", ".join(map(str, self._paths))).set(is_refused)

    def _look(self) -> list[Signature | None]:
        return [_signature(path) for path in self._paths]


class WatchedFile(WatchedFiles[T]):
    """The content of one file."""

    def __init__(
        self, path: Path, read: Callable[[Path], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__([path], partial(read, path), clock)


def _signature(path: Path) -> Signature | None:
    """Return what differs once a file has changed; None while there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
