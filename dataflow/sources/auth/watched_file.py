"""Watched file: a path and how it is read in; what it says now, without a restart, out."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.watched_files import WatchedFiles

log = get_log(__name__)

T = TypeVar("T")

LOOK_SECONDS = 1.0


class WatchedFile(Generic[T]):
    """The content of a file, read again at most a second after it has changed.

    The first reading raises `Misconfigured`; later a file that is gone or broken is logged,
    and what it said before stays.
    """

    def __init__(
        self, path: Path, read: Callable[[Path], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self._clock = clock
        self._looked_at = clock()
        self._files = WatchedFiles([path], partial(read, path))

    @property
    def content(self) -> T:
        """What the file says."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = self._clock()
            self._look()
        return self._files.content

    @property
    def version(self) -> int:
        """How often the content has changed."""
        return self._files.version

    def _look(self) -> None:
        try:
            if self._files.refresh():
                log.info("New content of a file is in use.", file=self.path)
        except Misconfigured as fault:
            log.warning(
                "New content of a file is refused; the old one stays in use.", file=self.path, error=fault
            )


def read_text(path: Path) -> str:
    """Return the text of a small file; raise `Misconfigured` when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"file {path} cannot be read: {error}; expected text in UTF-8") from error
