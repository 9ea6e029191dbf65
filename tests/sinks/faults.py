"""Faults of the systems that sinks store in: each broken when its block begins, and mended when it ends."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
from sinks.access_lines import a_line
from sinks.disks import fill, make_room, read_only, small_disk
from sinks.postgres_server import PostgresServer
from sinks.servers_s3 import NO_VERSITYGW, VERSITYGW, Versitygw
from sinks.sink_records import a_view
from sinks.systems import CsvFolder, ObjectStore, Postgres, Search, System, an_event

Fault = Callable[[System], AbstractContextManager[None]]

NO_DISK = "needs to mount a file system"
OTHER_TOPIC = "analytics-events"


class GuestsDatabase(Postgres):
    """A PostgreSQL whose worker is nobody special, and which keeps its tables on a small disk."""

    def __init__(self, server: PostgresServer, disk: Path, *, is_small: bool) -> None:
        super().__init__(server)
        self.disk, self.is_small = disk, is_small

    def environment(self, port: int, records: int) -> dict[str, str]:
        """Name the database, and the guest."""
        own = super().environment(port, records)
        return {name: url.replace("postgres@", "guest@") for name, url in own.items()}

    def execute(self, *statements: str) -> None:
        """Do something as the owner of the server, in a thread: a loop may be running in this one."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._execute(statements))).result()

    async def _execute(self, statements: Sequence[str]) -> None:
        connection = await asyncpg.connect(self._url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()


@contextmanager
def guests_database(_: Path) -> Iterator[GuestsDatabase]:
    """Run it."""
    server = PostgresServer()
    disk = server.folder / "disk"
    disk.mkdir()
    with small_disk(disk, owner=server.folder.stat().st_uid) as is_small:
        server.start()
        try:
            yield _with_guest(GuestsDatabase(server, disk, is_small=is_small))
        finally:
            server.stop()


def _with_guest(system: GuestsDatabase) -> GuestsDatabase:
    system.execute(
        "CREATE ROLE guest LOGIN",
        "ALTER DATABASE postgres OWNER TO guest",
        "GRANT ALL ON SCHEMA public TO guest",
    )
    if system.is_small:
        system.execute(
            f"CREATE TABLESPACE small LOCATION '{system.disk}'",
            "GRANT CREATE ON TABLESPACE small TO guest",
            "ALTER ROLE guest SET default_tablespace = small",
        )
    return system


class SmallStore(ObjectStore):
    """An S3 server with a small disk."""

    def __init__(self, server: Versitygw, disk: Path, *, is_small: bool) -> None:
        super().__init__(server.url, server)
        self.gateway, self.disk, self.is_small = server, disk, is_small


@contextmanager
def small_store(folder: Path) -> Iterator[SmallStore]:
    """Run it."""
    if not VERSITYGW:
        pytest.skip(NO_VERSITYGW)
    disk = folder / "disk"
    disk.mkdir()
    with small_disk(disk) as is_small:
        server = Versitygw(disk / "objects")
        server.start()
        yield SmallStore(server, disk, is_small=is_small)
        server.kill()


@contextmanager
def away(system: System) -> Iterator[None]:
    """Kill the server; of a folder, let nobody note how far it is written."""
    if isinstance(system, CsvFolder):
        with nowhere_to_note(system):
            yield
        return
    assert system.server is not None
    system.server.kill()
    yield
    system.server.start()


@contextmanager
def nowhere_to_note(system: CsvFolder) -> Iterator[None]:
    """Put something in the way of the positions."""
    in_the_way = [system.folder / f".{system.topic}-{partition}.new" for partition in range(2)]
    for path in in_the_way:
        path.mkdir()
    yield
    for path in in_the_way:
        path.rmdir()


@contextmanager
def wrong_right(system: System) -> Iterator[None]:
    """Take away the right to write."""
    if isinstance(system, GuestsDatabase):
        system.execute("REVOKE INSERT ON web_logs FROM guest")
        yield
        system.execute("GRANT INSERT ON web_logs TO guest")
    elif isinstance(system, Search):
        with blocked(system, "write"):
            yield
    elif isinstance(system, SmallStore):
        with another_secret(system):
            yield
    else:
        assert isinstance(system, CsvFolder)
        skip_without_disk(system.is_small)
        with read_only(system.folder):
            yield


@contextmanager
def another_secret(system: SmallStore) -> Iterator[None]:
    """Let the server take another secret than the worker has."""
    right = system.gateway.secret
    for secret in ("another", right):
        system.gateway.kill()
        system.gateway.secret = secret
        system.gateway.start()
        if secret != right:
            yield


@contextmanager
def blocked(system: Search, block: str) -> Iterator[None]:
    """Set a block on the indices of one topic; OpenSearch itself sets one where its disk is full."""
    for value in (True, None):
        system.set_of_indices(f"index.blocks.{block}", value)
        if value:
            yield


@contextmanager
def full_disk(system: System) -> Iterator[None]:
    """Take the last byte."""
    if isinstance(system, Search):
        with blocked(system, "read_only_allow_delete"):
            yield
        return
    assert isinstance(system, GuestsDatabase | SmallStore | CsvFolder)
    skip_without_disk(system.is_small)
    disk = system.folder if isinstance(system, CsvFolder) else system.disk
    fill(disk)
    yield
    make_room(disk)


def skip_without_disk(is_small: bool) -> None:
    """Skip the test where no disk could be mounted."""
    if not is_small:
        pytest.skip(NO_DISK)


DAYS = [f"{date(2026, 9, 21) - timedelta(days=number)}" for number in range(1_200)]
STRANGE_DAYS = ["0001-01-01", "1969-12-31", "9999-12-31", "2262-04-12", "1971-01-01"]


def of_a_day(system: System, number: int, day: str) -> bytes:
    """Return the record with this number, of that day."""
    if system.sink == "postgres":
        return a_line(number, ts=f"{day}T10:00:00Z")
    if system.sink == "csv":
        return an_event(number, f"{day}T10:00:00Z")
    return a_view(number, f"{day} 10:00:00")
