"""Watched file: a path and how it is read in; what it says now, without a restart, out."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from dataflow.errors import Misconfigured

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_SECONDS = 1.0

Stamp = tuple[int, int, int]


class WatchedFile(Generic[T]):
    """The content of a file, read again at most a second after it has changed.

    The first reading raises `Misconfigured`; later a file that is gone or broken is logged,
    and what it said before stays.
    """

    def __init__(
        self, path: Path, read: Callable[[Path], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self.version = 0
        self._read = read
        self._clock = clock
        self._looked_at = clock()
        self._stamp = stamp_of(path)
        self._content = read(path)

    @property
    def content(self) -> T:
        """What the file says; `version` counts its changes."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = self._clock()
            self._look()
        return self._content

    def _look(self) -> None:
        stamp = stamp_of(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._content = self._read(self.path)
        except Misconfigured as fault:
            log.warning("File %s is not taken over; what it said before stays: %s", self.path, fault)
        else:
            self.version += 1
            log.info("File %s is taken over as it is now.", self.path)


def read_text(path: Path) -> str:
    """Return the text of a small file; raise `Misconfigured` when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"file {path} cannot be read: {error}; expected text in UTF-8") from error


def stamp_of(path: Path) -> Stamp | None:
    """Return what differs once a file has changed; None while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
