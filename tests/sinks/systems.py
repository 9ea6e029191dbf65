"""The systems that sinks store in: a folder in; servers, and the numbers of what they have stored, out.

Every record has a number of its own, which is as good as its origin: no other offset has it.
"""

import asyncio
import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from uuid import uuid4

import asyncpg
from sinks.access_lines import a_line
from sinks.buckets import Bucket
from sinks.disks import fill, make_room, small_disk
from sinks.postgres_server import PostgresServer
from sinks.servers_opensearch import OpenSearchServer
from sinks.servers_s3 import ACCESS_KEY, SECRET_KEY, VERSITYGW, Versitygw, moto_server
from sinks.sink_records import a_view

CSV_HEADER = ["device_id", "event_type", "created_on"]


class Mortal(Protocol):
    """A server that can be killed and started again."""

    def start(self) -> None:
        """Start it, and wait until it answers."""

    def kill(self) -> None:
        """End it as a crash would."""


class System(ABC):
    """A system as the settings of a sink name it."""

    sink: str
    topic: str
    port: int | None = None
    """None: there is no network."""
    server: Mortal | None = None
    """None: there is none that could be killed."""
    waits_for_the_frozen = False
    """Whoever goes on with a partition waits for the worker that had it, however long that is stopped."""

    @abstractmethod
    def environment(self, port: int, records: int) -> dict[str, str]:
        """Return the settings of a worker that reaches it at this port, for so many records in all."""

    @abstractmethod
    def record(self, number: int) -> bytes:
        """Return the record with this number."""

    @abstractmethod
    def numbers(self) -> list[int]:
        """Return the number of every record that is there, as often as it is there."""


class Postgres(System):
    """PostgreSQL."""

    sink, topic = "postgres", "access-logs-parsed"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.port = server.port
        self._url = server.url

    def environment(self, port: int, records: int) -> dict[str, str]:
        """Name the database."""
        return {"DATAFLOW_POSTGRES_URL": self._url.replace(f":{self.port}/", f":{port}/")}

    def record(self, number: int) -> bytes:
        """Return a line of an access log."""
        return a_line(number)

    def numbers(self) -> list[int]:
        """Read them out of the path that was asked for."""
        return [int(row["endpoint"][1:]) for row in asyncio.run(self._rows("endpoint"))]

    def origins(self) -> list[tuple[int, int]]:
        """Return partition and offset of the record of each row."""
        return [(row["partition"], row["offset"]) for row in asyncio.run(self._rows('partition, "offset"'))]

    async def _rows(self, columns: str) -> Iterable[Mapping[str, Any]]:
        connection = await asyncpg.connect(self._url)
        try:
            rows: list[Mapping[str, Any]] = await connection.fetch(f"SELECT {columns} FROM web_logs")
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()
        return rows


class ObjectStore(System):
    """An S3 server: versitygw if it is there, else moto, which cannot be killed."""

    sink, topic = "s3", "enriched-web-events"

    def __init__(self, url: str, server: Versitygw | None) -> None:
        self.server = server
        self.port = int(url.rpartition(":")[2])
        self._bucket = Bucket(url, f"archive-{uuid4().hex[:8]}")  # all motos of a process are one

    def environment(self, port: int, records: int) -> dict[str, str]:
        """Name the bucket; objects are small enough to be many."""
        return {
            "DATAFLOW_S3_BUCKET": self._bucket.name,
            "DATAFLOW_S3_ENDPOINT": f"http://127.0.0.1:{port}",
            "DATAFLOW_S3_REGION": "us-east-1",
            "DATAFLOW_S3_ACCESS_KEY": ACCESS_KEY,
            "DATAFLOW_S3_SECRET_KEY": SECRET_KEY,
            "DATAFLOW_S3_TOPICS": self.topic,
            "DATAFLOW_S3_OBJECT_RECORDS": str(max(1_000, records // 40)),
            "DATAFLOW_S3_FLUSH_SECONDS": "0.5",
        }

    def record(self, number: int) -> bytes:
        """Return a page view, one a second."""
        return a_view(number, f"2026-09-21 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}")

    def stored_bytes(self) -> int:
        """Return how large all objects are together."""
        return self._bucket.size()

    def lines(self) -> list[bytes]:
        """Return every line of every object."""
        return self._bucket.lines()

    def numbers(self) -> list[int]:
        """Read them out of every line of every object."""
        return self._bucket.ids()


class Search(ObjectStore):
    """OpenSearch, with the page views of the object store."""

    sink = "opensearch"

    def __init__(self, server: OpenSearchServer) -> None:
        self.server = self._node = server
        self.port = server.port

    def environment(self, port: int, records: int) -> dict[str, str]:
        """Name the server."""
        return {"DATAFLOW_OPENSEARCH_URL": f"http://127.0.0.1:{port}"}

    def set_of_indices(self, name: str, value: object) -> None:
        """Change a setting of all indices of the topic."""
        self._node.put("web-events-*/_settings", **{name: value})

    def numbers(self) -> list[int]:
        """Read them out of every document of every index; none while it is too busy to search."""
        try:
            return self._searched()
        except HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return []

    def _searched(self) -> list[int]:
        self._node.ask("web-events-*/_refresh")
        numbers: list[int] = []
        after: dict[str, object] = {}
        while True:
            found = self._node.ask(
                "web-events-*/_search",
                size=10_000,
                _source=["event_id"],
                sort=[{"event_id": "asc"}, {"_id": "asc"}],
                **after,
            )["hits"]["hits"]
            if not found:
                return numbers
            numbers += [int(hit["_source"]["event_id"]) for hit in found]
            after = {"search_after": found[-1]["sort"]}


def an_event(number: int, created_on: str = "2026-01-02T03:04:05Z") -> bytes:
    """Return an event whose fields need all of the quoting there is."""
    event = {"device_id": f'd "{number}",\n', "event_type": "REVENUE", "created_on": created_on}
    return json.dumps(event).encode()


class CsvFolder(System):
    """A folder, on a file system that can be filled up if we may mount one."""

    sink, topic = "csv", "analytics-events"
    waits_for_the_frozen = True  # two processes must not write into one file

    def __init__(self, folder: Path, *, is_small: bool) -> None:
        self.folder = folder
        self.is_small = is_small

    def environment(self, port: int, records: int) -> dict[str, str]:
        """Name the folder; files are small enough to be many."""
        return {
            "DATAFLOW_CSV_DIR": str(self.folder),
            "DATAFLOW_CSV_ROTATE_BYTES": str(max(20_000, records * 2)),
        }

    def record(self, number: int) -> bytes:
        """Return an event whose fields need all of the quoting there is."""
        return an_event(number)

    def numbers(self) -> list[int]:
        """Read them out of every line of all files, which have one header each."""
        numbers = []
        for path in sorted(self.folder.glob("*.csv")):
            with path.open(newline="") as file:
                header, *lines = csv.reader(file, strict=True)
            assert header == CSV_HEADER
            numbers += [int(line[0].removeprefix('d "').removesuffix('",\n')) for line in lines]
        return numbers

    def fill(self) -> None:
        """Leave not one byte of room."""
        fill(self.folder)

    def make_room(self) -> None:
        """Give back what `fill` has taken."""
        make_room(self.folder)


@contextmanager
def postgres(_: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL."""
    server = PostgresServer()
    server.start()
    try:
        yield Postgres(server)
    finally:
        server.stop()


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run the most real S3 server that is there."""
    if not VERSITYGW:
        with moto_server() as url:
            yield ObjectStore(url, None)
        return
    server = Versitygw(folder / "objects")
    server.start()
    try:
        yield ObjectStore(server.url, server)
    finally:
        server.kill()


@contextmanager
def search(folder: Path) -> Iterator[Search]:
    """Run an OpenSearch."""
    server = OpenSearchServer(folder / "node")
    server.start()
    try:
        yield Search(server)
    finally:
        server.kill()


@contextmanager
def csv_folder(folder: Path) -> Iterator[CsvFolder]:
    """Give a folder, of a file system of its own if that is allowed."""
    place = folder / "csv"
    place.mkdir()
    with small_disk(place) as is_small:
        yield CsvFolder(place, is_small=is_small)
