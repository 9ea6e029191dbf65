"""Certificates for PostgreSQL, against a real server: replaced on disk, they serve the next connection."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from harness.certificates import Authority
from sinks.postgres_server import DEBIAN, PostgresServer

from dataflow.errors import Misconfigured
from dataflow.sinks.postgres.certificates import context_of

pytestmark = pytest.mark.skipif(not DEBIAN, reason="the PostgreSQL of the wheel has no TLS")


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataflow.watched_files.LOOK_SECONDS", 0.0)


class SecurePostgres:
    """A server that knows its user by a certificate alone."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.server = PostgresServer()
        self._data = self.server.folder / "data"
        names = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "ca.crt"}
        settings = ["ssl = on", *(f"{name} = '{file}'" for name, file in names.items())]
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write("\n".join(settings) + "\n")
        (self._data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 cert\n")
        self.renew()
        self.server.start()
        options = {"sslmode": "verify-full", "sslrootcert": "ca.crt", "sslcert": "postgres.crt"}
        paths = [f"{key}={files / name if key != 'sslmode' else name}" for key, name in options.items()]
        self.url = f"{self.server.url}?{'&'.join(paths)}&sslkey={files / 'postgres.key'}"

    def renew(self) -> None:
        """Issue all certificates by a new authority, the server's and the client's."""
        Authority(self.files, "ca").issue("server").issue("postgres")
        owner = self._data.stat()
        for name in ("server.crt", "server.key", "ca.crt"):
            shutil.copy(self.files / name, self._data / name)
            os.chown(self._data / name, owner.st_uid, owner.st_gid)
            (self._data / name).chmod(0o600)

    def reload(self) -> None:
        """Have the server read its files again."""
        self.server._process.send_signal(signal.SIGHUP)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecurePostgres]:
    """Return a running server."""
    secure = SecurePostgres(tmp_path)
    yield secure
    secure.server.stop()


async def connect_until(secure: SecurePostgres, context: object) -> asyncpg.Connection:
    """Connect; the server takes a moment to read its files again."""
    for _ in range(200):
        try:
            return await asyncpg.connect(secure.url, ssl=context)
        except (OSError, asyncpg.PostgresError) as error:
            failed = error
    raise failed


async def test_renewed_certificates_serve_the_next_connection_and_a_broken_one_changes_nothing(
    secure: SecurePostgres, caplog: pytest.LogCaptureFixture
):
    """Asyncpg reads them at each connection, so that a broken file was an outage of the sink."""
    context = context_of(secure.url)
    kept = await asyncpg.connect(secure.url, ssl=context)
    client = secure.files / "postgres.crt"
    whole = client.read_bytes()
    client.write_bytes(b"")
    again = await asyncpg.connect(secure.url, ssl=context)
    assert f"file {client} cannot be used" in caplog.text
    client.write_bytes(whole)
    secure.renew()
    secure.reload()
    renewed = await connect_until(secure, context)
    for connection in (kept, again, renewed):
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        await connection.close()


async def test_an_authority_that_is_not_the_servers_is_not_trusted(secure: SecurePostgres):
    """The address is right, and somebody else answers there."""
    Authority(secure.files, "other")
    url = secure.url.replace("ca.crt", "other.crt")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await asyncpg.connect(url, ssl=context_of(url))


@pytest.mark.parametrize("query", ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require"])
def test_without_files_asyncpg_finds_out_by_itself(
    query: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """As it always has."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert context_of(f"postgresql://ann@localhost/db{query}") is None


def test_a_broken_file_is_told_at_the_start(tmp_path: Path):
    """By a sentence that names it."""
    (tmp_path / "ca.crt").write_text("x")
    with pytest.raises(Misconfigured, match=r"ca\.crt cannot be used: .*; expected certificates \(PEM\)"):
        context_of(f"postgresql://localhost/db?sslmode=verify-ca&sslrootcert={tmp_path / 'ca.crt'}")
