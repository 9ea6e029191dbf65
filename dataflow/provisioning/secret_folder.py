"""Secret folder: files that only its owner can read; none is ever overwritten."""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile

from dataflow.errors import Misconfigured

OWNER_ONLY, FOLDER_MODE, IN_CONTAINERS = 0o600, 0o700, 0o444


class FileState(StrEnum):
    """What has become of a file."""

    MADE = "made"
    KEPT = "kept"
    DIFFERS = "differs"
    """It was there, and is not what would be made now."""


class SecretFolder:
    """A folder of secrets; `states` says what has become of each file."""

    def __init__(self, path: Path, *, for_containers: bool) -> None:
        """Make the folder, or close it to others; raise `Misconfigured` where that is not possible."""
        self.path, self.states = path, dict[str, FileState]()
        self._mode = IN_CONTAINERS if for_containers else OWNER_ONLY
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            # The home of somebody, a repository, /etc: closing it would lock others out.
            if (inner := next((entry.name for entry in path.iterdir() if entry.is_dir()), None)) is not None:
                raise Misconfigured(
                    f"DIR is '{path}', which has a folder {inner!r} in it; expected one for secrets alone"
                )
            path.chmod(FOLDER_MODE)
        except OSError as error:
            raise Misconfigured(
                f"DIR is '{path}'; expected a folder that can be made ({error.strerror})"
            ) from error

    def keep(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return what a file holds; where there is none, make it."""
        found = self.read(name)
        if found is not None:
            self._close(self.path / name)
            self.states[name] = FileState.KEPT
            return found
        content = make()
        self._write(name, content)
        self.states[name] = FileState.MADE
        return content

    def derive(self, name: str, content: bytes) -> None:
        """Have a file that is made of others; one that is there and is not the same is told, and kept."""
        if self.keep(name, lambda: content) != content:
            self.states[name] = FileState.DIFFERS

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; None if there is none. Raises `Misconfigured` for an unreadable one."""
        path = self.path / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Misconfigured(
                f"file is '{path}'; expected one that can be read ({error.strerror})"
            ) from error

    def _close(self, path: Path) -> None:
        """Let nobody read a file who may not."""
        try:
            path.chmod(self._mode)
        except OSError as error:
            raise Misconfigured(f"file is '{path}'; expected one that is yours ({error.strerror})") from error

    def _write(self, name: str, content: bytes) -> None:
        """Write it whole or not at all, also when the process is killed meanwhile."""
        try:
            with NamedTemporaryFile(dir=self.path, prefix=".new-") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), self._mode)
                os.fsync(file.fileno())
                os.link(file.name, self.path / name)  # fails if somebody else has made it meanwhile
        except OSError as error:
            raise Misconfigured(
                f"file is '{self.path / name}'; expected one that can be written ({error.strerror})"
            ) from error
