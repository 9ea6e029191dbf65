"""A worker of a peer: a command in; a process that faults can kill, freeze and end as one of ours, out."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from chaos.killable import Killable

STOP_SECONDS = 60
LOG_LINES = 12


class Peer(Killable):
    """One process after another of a program; one that ends by itself is started again, as systemd would."""

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.local_store = folder / "state"
        self.local_store.mkdir()
        self._command, self._environment = command, environment
        self._is_wanted = False
        self.crashes = 0
        """How often it has ended by itself."""

    def start(self) -> Self:
        """Start the process and return at once."""
        self._is_wanted = True
        self.run(self._command, self._environment)
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        self._is_wanted = False
        super().kill()

    def wait_ready(self, _: float = 0) -> Self:
        """Return at once: a peer does not say when it is ready."""
        return self

    def stop(self) -> int:
        """Ask it to end; kill it if it does not. Return 0, however it ends: that is the peer's affair."""
        self._is_wanted = False
        self.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        return 0

    def restart_if_ended(self) -> None:
        """Start it again if it has ended by itself."""
        if self._is_wanted and self.process.poll() is not None:
            self.crashes += 1
            self.start()

    def tail(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"{self.folder.name} (exit code {self.process.poll()}):", *lines])
