"""Senders: a worker's port in; real HTTP clients, well-behaved and broken ones, and their answers out."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, Self

from chaos.cluster import Cluster, running_cluster
from chaos.worker import Worker
from confluent_kafka.admin import AdminClient
from kafka_client import Read

ANSWER_SECONDS = 60
READY_SECONDS = 90  # on a machine that has other things to do


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has said; status 0: nothing."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Return what the refusal says."""
        return str(self.json["error"])


def curl(url: str, *options: str, data: bytes | None = None) -> Answer:
    """Ask with curl; `data` goes in as it is."""
    command = ["curl", "-sS", "-i", "--http1.1", "-H", "Expect:", "--max-time", str(ANSWER_SECONDS), *options]
    if data is not None:
        command += ["--data-binary", "@-"]
    quiet = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run([*command, url], input=data or b"", capture_output=True, env=quiet, check=False)
    return answer_of(done.stdout)


def answer_of(raw: bytes) -> Answer:
    """Take a raw answer apart."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        return Answer(0, Message(), raw)
    status, _, headers = head.partition(b"\r\n")
    return Answer(int(status.split()[1]), BytesHeaderParser().parsebytes(headers + b"\r\n\r\n"), body)


class RawSender:
    """A connection on which one may say anything."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, raw: bytes) -> bool:
        """Send bytes; return False if nobody takes them any more."""
        try:
            self._socket.sendall(raw)
        except OSError:
            return False
        return True

    def begin(self, *headers: str, path: str = "/ingest") -> None:
        """Send the head of a request."""
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers]
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n")

    def hear(self) -> Answer:
        """Return what is said until it is complete or the connection ends."""
        heard = b""
        while not heard.endswith(b"}"):
            try:
                piece = self._socket.recv(65_536)
            except OSError:
                break
            if not piece:
                break
            heard += piece
        return answer_of(heard)


@dataclass(slots=True)
class Ingest:
    """A worker that receives, and the topics it writes to."""

    cluster: Cluster
    worker: Worker

    def url(self, path: str = "/ingest") -> str:
        """Return where a path is served."""
        return f"{self.worker.url}{path}"

    def post(self, path: str, data: bytes, *options: str) -> Answer:
        """Send a body with curl."""
        return curl(self.url(path), *options, data=data)

    def groups(self) -> list[str]:
        """Return the consumer groups of the broker."""
        admin = AdminClient({"bootstrap.servers": self.cluster.broker.address})
        return [group.group_id for group in admin.list_consumer_groups().result(30).valid]

    def read(self, topic: str, having: bytes) -> list[Read]:
        """Return the messages of a topic that hold this text."""
        return [read for read in self.cluster.kafka.read_topic(topic) if having in (read.value or b"")]

    def values(self, topic: str, having: bytes) -> list[bytes]:
        """Return their values, sorted."""
        return sorted(read.value for read in self.read(topic, having) if read.value is not None)


@contextmanager
def ingest_worker(folder: Path, **settings: Any) -> Iterator[Ingest]:
    """Give a worker in the role ingest on a broker of its own."""
    with running_cluster(folder, role="ingest") as cluster:
        yield Ingest(cluster, cluster.start_worker(**settings).wait_ready(READY_SECONDS))
