"""Workers of the real app in processes of their own, and what they answer over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from dataflow.access.worker_proof import proof_headers
from dataflow.demo.broker.child_process import start_child
from dataflow.demo.broker.ports import free_port

DEADLINE_SECONDS = 60
WORKER_SECRET = "secret of the workers of a test"
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answers over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        assert self.headers["Content-Type"] == "application/json", self
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process and where it serves."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self.host}:{self.port}"

    def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
        """Send a request with this path, byte for byte."""
        connection = HTTPConnection(self.host, self.port, timeout=DEADLINE_SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Reply(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def as_worker(self, path: str, method: str = "GET", body: bytes | None = None) -> Reply:
        """Send a request as another worker does."""
        proof = proof_headers(WORKER_SECRET, method, f"{self.url}{path}")
        return self.get(path, method, body, **proof)

    def wait_for(self, path: str, is_so: Callable[[Reply], bool]) -> Reply:
        """Ask until the reply is so."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        reply = None
        while time.monotonic() < deadline:
            try:
                reply = self.get(path)
            except OSError:  # not yet listening
                assert self.process.poll() is None, self.log.read_text()[-3000:]
            else:
                if is_so(reply):
                    return reply
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{path} is {reply}; log: {self.log.read_text()[-3000:]}")

    def wait_ready(self) -> None:
        """Wait until it has taken its partitions."""
        self.wait_for("/readyz", lambda reply: reply.status == 200)

    def wait_counted(self, expected: Mapping[str, int]) -> None:
        """Wait until all events of these streams have been received."""
        self.wait_for("/streams", lambda reply: reply.status == 200 and has_received(reply, expected))

    def kill(self) -> None:
        """End it as a crash would; it may be stopped."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def has_received(reply: Reply, expected: Mapping[str, int]) -> bool:
    """Tell whether so many events of these streams have come in."""
    streams = reply.json["streams"]
    return all(streams[stream]["received"] == count for stream, count in expected.items())


@contextmanager
def running_worker(address: str, folder: Path, app_id: str, **chosen: str) -> Iterator[Worker]:
    """Run a worker of the app of this name, with chosen variables; it may be killed meanwhile."""
    port = free_port()
    environment = {
        "DATAFLOW_BROKER": address,
        "DATAFLOW_APP_ID": app_id,
        "DATAFLOW_DATA_DIR": str(folder / f"{app_id}-{port}"),
        "DATAFLOW_SESSION_TIMEOUT_MS": "3000",
        "DATAFLOW_WEB_PORT": str(port),
        "DATAFLOW_OPEN_ROLES": "read,send,edit,admin",
        "DATAFLOW_WORKER_SECRET": WORKER_SECRET,
        "DATAFLOW_DRAIN_SECONDS": "0",
    }
    log = folder / f"{app_id}-{port}.log"
    with log.open("wb") as output:
        process = start_child(
            [sys.executable, "-m", "dataflow", "worker"],
            env=os.environ | environment | chosen,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    worker = Worker(
        int((environment | chosen)["DATAFLOW_WEB_PORT"]),
        process,
        log,
        chosen.get("DATAFLOW_WEB_HOST", "127.0.0.1"),
    )
    try:
        yield worker
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
