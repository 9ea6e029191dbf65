"""A fleet: workers of every role, each replaced by one of another release while events come."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from chaos.cluster import Cluster
from chaos.worker import CLOCK, Worker

from dataflow.demo.broker.ports import free_port

WORKERS = {"enrich": 2, "ingest": 2, "sink-csv": 1}
"""In the order in which docs/upgrading.md has them replaced."""
READY_SECONDS = 180
PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Release:
    """A checkout, and the Python of its environment."""

    name: str
    root: Path
    python: str


class EventSender:
    """Sends analytics events over HTTP, one after another, to workers that a load balancer would choose."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        """Their device ids."""
        self.error: Exception | None = None
        self._ports: list[int] = []
        self._sending = threading.Lock()
        self._has_ended = threading.Event()

    def take_in(self, port: int) -> None:
        """Send to this worker, too."""
        with self._sending:
            self._ports.append(port)

    def leave_out(self, port: int) -> None:
        """Send nothing more to a worker; what it was sent is answered."""
        with self._sending:
            self._ports.remove(port)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send while the block runs."""
        thread = threading.Thread(target=self._send)
        thread.start()
        try:
            yield
        finally:
            self._has_ended.set()
            thread.join()

    def _send(self) -> None:
        try:
            while not self._has_ended.wait(PAUSE_SECONDS):
                with self._sending:
                    self._send_one(self._ports[len(self.accepted) % len(self._ports)])
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.error = error

    def _send_one(self, port: int) -> None:
        device = f"device-{len(self.accepted)}"
        now = datetime.now(UTC).isoformat()
        body = json.dumps({"device_id": device, "event_type": "REVENUE", "created_on": now})
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/events", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status in (200, 201, 202), (answer.status, answer.read())
        connection.close()
        self.accepted.append(device)


class Fleet:
    """Workers by role, and who sends to those that receive."""

    def __init__(self, cluster: Cluster, csv: Path) -> None:
        self._cluster, self._csv = cluster, csv
        self.roles: dict[str, list[Worker]] = {}
        self.sender = EventSender()

    def start(self, release: Release) -> None:
        """Start all workers of a release, and wait until they are ready."""
        for role, count in WORKERS.items():
            self.roles[role] = [self._new(role, number, release) for number in range(count)]
        for role, workers in self.roles.items():
            for worker in workers:
                worker.wait_ready(READY_SECONDS)
                if role == "ingest":
                    self.sender.take_in(worker.port)

    def replace_all(self, roles: list[str], release: Release) -> None:
        """Put workers of a release in the place of others, one at a time."""
        for role in roles:
            for number, worker in enumerate(self.roles[role]):
                begun = time.monotonic()
                self._replace(role, worker, release)
                if role == "enrich":
                    self._cluster.wait_moving(READY_SECONDS)
                seconds = time.monotonic() - begun
                print(f"{role} {number}: {release.name} after {seconds:.1f} s")

    def _replace(self, role: str, worker: Worker, release: Release) -> None:
        if role == "ingest":
            self.sender.leave_out(worker.port)
        assert worker.stop() == 0, worker.tail()
        _run_as(worker, release)
        worker.start().wait_ready(READY_SECONDS)
        if role == "ingest":
            self.sender.take_in(worker.port)

    def _new(self, role: str, number: int, release: Release) -> Worker:
        settings = {
            **self._cluster.environment,
            "DATAFLOW_ROLE": role,
            "DATAFLOW_OPEN_ROLES": "read,send,edit,admin",
        }
        if role == "sink-csv":
            settings["DATAFLOW_CSV_DIR"] = str(self._csv)
        if (role, number) == ("enrich", 0):
            settings["DATAFLOW_INSTANCE_ID"] = "static"
        port = free_port(*(worker.port for worker in self._cluster.workers))
        worker = Worker(self._cluster.folder / f"{role}-{number}", port, settings)
        self._cluster.workers.append(worker)
        _run_as(worker, release)
        return worker.start()


def _run_as(worker: Worker, release: Release) -> None:
    """Have a worker be of a release from its next start on; its folder stays."""
    worker.python = release.python
    worker.environment["PYTHONPATH"] = os.pathsep.join([str(release.root), str(CLOCK)])
