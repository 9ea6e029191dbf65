"""The workers of the demo: child processes that end with us."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from dataflow.cli.worker_client import NotReady, ask
from dataflow.demo.broker.child_process import start_child
from dataflow.demo.broker.ports import free_port, is_free
from dataflow.errors import DataflowError

READY_SECONDS = 60.0
POLL_SECONDS = 0.1
LOG_LINES = 20  # of a worker that has ended, shown in the error
GRACE_SECONDS = 5.0  # beyond the worker's own deadline


@dataclass(frozen=True, slots=True)
class DemoWorker:
    """One worker process and where it serves."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    def was_ended(self) -> bool:
        """Tell whether somebody has ended it, by a signal: it has no fault of its own."""
        code = self.process.poll()
        return code is not None and code <= 0

    def started_again(self) -> "DemoWorker":
        """Start another in its place; it may take a while to be ready."""
        return _start(int(self.url.rpartition(":")[2]), self.log, self.environment, "ab")

    def check(self) -> None:
        """Raise `DataflowError` with the end of its log when it has ended."""
        code = self.process.poll()
        if code is not None:
            lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            raise DataflowError(
                f"worker at {self.url} has ended with exit code {code}; expected it to run; "
                "last lines of its log:\n" + "\n".join(lines)
            )

    def wait_ready(self) -> None:
        """Return when it serves; raise `DataflowError` when it ended or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self.check()
            try:
                ask(self.url, "readyz")
            except NotReady:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return


@contextmanager
def running_workers(
    count: int, first_port: int, folder: Path, environment: Mapping[str, str], stop_seconds: float
) -> Iterator[list[DemoWorker]]:
    """Start workers, give them when all are ready, and let them finish in the end."""
    workers: list[DemoWorker] = []
    try:
        for _ in range(count):
            port = _port(first_port, workers)
            workers.append(_start(port, folder / f"worker-{port}.log", environment, "wb"))
        for worker in workers:
            worker.wait_ready()
        yield workers
    finally:
        _stop(workers, stop_seconds + GRACE_SECONDS)


def _port(first: int, others: list[DemoWorker]) -> int:
    others_ports = [int(other.url.rpartition(":")[2]) for other in others]
    return first if first not in others_ports and is_free(first) else free_port(*others_ports)


def _start(port: int, path: Path, environment: Mapping[str, str], mode: Literal["wb", "ab"]) -> DemoWorker:
    with path.open(mode) as log:
        process = start_child(
            [sys.executable, "-m", "dataflow", "worker", "--port", str(port)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: workers end before their broker
        )
    return DemoWorker(f"http://127.0.0.1:{port}", path, process, environment)


def _stop(workers: list[DemoWorker], seconds: float) -> None:
    """Let all finish their work; Ctrl-C, once more, lets none of them finish anything.

    From then on it ends the command as ever: the broker is still to end, and takes its time.
    """

    def kill(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for worker in workers:
            worker.process.kill()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, kill)
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + seconds
    for worker in workers:
        try:
            worker.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
