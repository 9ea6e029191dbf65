"""A process that faults can kill, freeze and wake, with its log."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataflow.demo.broker.child_process import start_child


class Killable:
    """One process after another in one folder, with one log for all of them."""

    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.log = folder / "log"

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process and return at once."""
        with self.log.open("ab") as log:
            self.process = start_child(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Stop it where it stands (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self.process.terminate()
