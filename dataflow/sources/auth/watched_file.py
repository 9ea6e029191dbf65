"""Watched file: a path and how it is read in; what it says now, without a restart, out."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.watched_files import WatchedFiles

log = get_log(__name__)

T = TypeVar("T")

LOOK_SECONDS = 1.0


class WatchedFile(WatchedFiles[T]):
    """The content of a file, read again at most a second after it has changed.

    The first reading raises `Misconfigured`; later a file that is gone or broken is logged,
    and what it said before stays.
    """

    def __init__(
        self, path: Path, read: Callable[[Path], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__([path], partial(read, path))
        self._path = path
        self._clock = clock
        self._looked_at = clock()

    def latest(self) -> T:
        """Return what the file says."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = self._clock()
            try:
                if self.refresh():
                    log.info("New content of a file is in use.", file=self._path)
            except Misconfigured as fault:
                log.warning(
                    "New content of a file is refused; the old one stays in use.",
                    file=self._path,
                    error=fault,
                )
        return self.content
