"""The embedded broker: runs a real one-node Apache Kafka that listens on the loopback."""

import os
import signal
import subprocess
from pathlib import Path
from time import monotonic

from dataflow.broker_home import LastRun, claim, last_run, remember
from dataflow.demo.broker.child_process import start_child
from dataflow.demo.broker.jars import Progress, kafka_jars
from dataflow.demo.broker.java import ClassArchive, Java, find_java
from dataflow.demo.broker.ports import HOST, free_port, is_free, is_ready
from dataflow.demo.broker.properties import Properties, format_storage, write_properties
from dataflow.errors import DataflowError, Misconfigured
from dataflow.file_locks import locked
from dataflow.private_files import private_folder

SMALL_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
"""Starts twice as fast and takes half the memory: for tests and the demo."""

LOG_WARNINGS = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Xlog:cds=error")

POLL_SECONDS = 0.05
LOG_LINES = 15  # of a dead broker, shown in the error


class EmbeddedBroker:
    """Apache Kafka in a process of its own, its data kept in one folder between runs."""

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        jvm: tuple[str, ...] = SMALL_JVM,
        properties: Properties | None = None,
        progress: Progress = lambda _done, _total: None,
    ) -> None:
        """Describe the broker; nothing runs before `start`.

        Without a port it takes that of the folder's last run, or else any free one. ``properties`` are
        Kafka's own and overrule ours; ``progress`` hears of the jars that are being fetched.
        """
        self.home = home.resolve()
        self._wanted_port = port
        self._jvm = jvm
        self._properties = properties or {}
        self._progress = progress
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return ``host:port`` of the last start."""
        self._started()
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """Return the process id of the last start."""
        return self._started().pid

    def start(self) -> None:
        """Start the process and return at once; `wait_ready` waits until it serves.

        The broker is killed when this process ends. Raises `Misconfigured` when another one runs here.
        """
        java = find_java()
        try:
            self._launch(java, kafka_jars(self._progress))
        except OSError as error:
            where = error.filename or self.home
            raise Misconfigured(
                f"{where} is not writable; expected a folder with room: {error.strerror}"
            ) from error

    def wait_ready(self, timeout_seconds: float = 60) -> None:
        """Return when clients are served; raise `Misconfigured` when it ended or takes longer."""
        process = self._started()
        deadline = monotonic() + timeout_seconds
        while not is_ready(self._port):
            try:
                code = process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if monotonic() < deadline:
                    continue
                raise self._failed(f"not ready after {timeout_seconds:g} s") from None
            raise self._failed(f"gone with exit code {code}")

    def check(self) -> None:
        """Raise `DataflowError` with the end of its log when it has ended."""
        code = self._started().poll()
        if code is not None:
            raise DataflowError(str(self._failed(f"gone with exit code {code}")))

    def stop(self, timeout_seconds: float = 30) -> None:
        """End the broker in good order, by force when that takes longer."""
        process = self._started()
        served = is_ready(self._port)
        process.terminate()
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            served = False
        if served:
            self._archive.keep()
        else:
            self.kill()  # or it was dead: the classes that it had loaded are too few to keep

    def kill(self) -> None:
        """End the broker as a crash would (SIGKILL)."""
        process = self._started()
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._archive.discard()

    def _launch(self, java: Java, jars: list[Path]) -> None:
        private_folder(self.home)
        with locked(self.home / "starting.lock"):
            running = claim(self.home)
            try:
                self._archive = ClassArchive(java, jars)
                class_path = os.pathsep.join(map(str, jars))
                self._run([java.program, *self._jvm, *self._archive.flags(), "-cp", class_path], running)
            finally:
                os.close(running)  # the process has inherited it
            remember(self.home, LastRun(self.address, self.pid))

    def _run(self, java: list[str], running: int) -> None:
        self._port = self._choose_port()
        format_storage(self.home)
        settings = write_properties(self.home, self._port, free_port(self._port), self._properties)
        with (self.home / "log").open("ab") as log:
            self._log_start = log.tell()
            self._process = start_child(
                [*java, *LOG_WARNINGS, "kafka.Kafka", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[running],
                start_new_session=True,  # Ctrl-C is for us: the broker ends after its clients
            )

    def _choose_port(self) -> int:
        if self._wanted_port is not None:
            if not is_free(self._wanted_port):
                raise Misconfigured(f"port of the broker is {self._wanted_port}; expected one that is free")
            return self._wanted_port
        run = last_run(self.home)
        return run.port if run and is_free(run.port) else free_port()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise Misconfigured(f"broker of {self.home} is not started; expected start() first")
        return self._process

    def _failed(self, state: str) -> Misconfigured:
        with (self.home / "log").open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        tail = "\n".join(lines[-LOG_LINES:])
        return Misconfigured(
            f"broker of {self.home} is {state}; expected it to serve; last lines of its log:\n{tail}"
        )
