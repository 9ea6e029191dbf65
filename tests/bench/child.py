"""A measured program: started, watched, stopped with SIGTERM; the kernel's account of it out."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from machine import cpu_seconds, peak_bytes
from tree import OURS, Tree

from dataflow.demo.broker.child_process import start_child

POLL_SECONDS = 0.02
IDLE_SECONDS = 0.5
IDLE_CPU_SECONDS = 0.05


class Child:
    """One process in a context; leaving it ends the process."""

    def __init__(
        self, command: Sequence[str], variables: Mapping[str, str], log: Path, tree: Tree = OURS
    ) -> None:
        self._log = log
        self._cpu: float | None = None
        self.exit: int | None = None
        self.peak_bytes = 0
        with log.open("wb") as output:
            self._process = start_child(
                command,
                env=tree.environment(variables),
                cwd=log.parent,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop(5)

    @property
    def cpu_seconds(self) -> float:
        """CPU of all its threads; of its children, too, once it has ended."""
        return cpu_seconds(self.pid) if self._cpu is None else self._cpu

    @property
    def log_tail(self) -> str:
        """Its last lines."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-12:])

    def is_running(self) -> bool:
        """Note its memory, and tell whether it has not ended."""
        if self._cpu is not None:
            return False
        self.peak_bytes = max(self.peak_bytes, peak_bytes(self.pid))
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            return True
        self._cpu = usage.ru_utime + usage.ru_stime
        self.exit = self._process.returncode = os.waitstatus_to_exitcode(status)
        return False

    def wait_until_idle(self, seconds: float, *, ends: bool = False) -> None:
        """Return when it has had nothing to do for half a second: counts may lag behind; or when it ends."""
        deadline = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < deadline:
            before = self.cpu_seconds
            time.sleep(IDLE_SECONDS)
            if not ends and self.cpu_seconds - before < IDLE_CPU_SECONDS:
                return

    def stop(self, seconds: float = 25) -> None:
        """End it, by force when that takes longer."""
        deadline = time.monotonic() + seconds
        while self.is_running():  # a worker that is asked twice does not drain
            is_late = time.monotonic() > deadline
            os.kill(self.pid, signal.SIGKILL if is_late else signal.SIGTERM)
            time.sleep(POLL_SECONDS)
