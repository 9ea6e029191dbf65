"""TLS: certificates that are replaced on disk serve the next connection, and open connections go on."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from harness.certificates import Authority

from dataflow import tls
from dataflow.errors import Misconfigured
from dataflow.tls import client_context, fault_of_handshake, server_context


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataflow.watched_files.LOOK_SECONDS", 0.0)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with an authority, its certificates, and those of a stranger."""
    Authority(tmp_path, "ca").issue("server").issue("client")
    Authority(tmp_path, "other").issue("stranger")
    return tmp_path


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve lines that are sent back with the name that the client's certificate has; give the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(pair for (pair,) in (writer.get_extra_info("peercert") or {}).get("subject", ()))
        with suppress(OSError):  # the test has hung up
            while line := await reader.readline():
                writer.write(subject.get("commonName", "nobody").encode() + b" " + line)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Connection:
    """A connection to the server above."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int, context: ssl.SSLContext) -> "Connection":
        """Connect."""
        return cls(*await asyncio.open_connection("localhost", port, ssl=context))

    @property
    def serial(self) -> str:
        """The serial number of the server's certificate."""
        return str(self.writer.get_extra_info("peercert")["serialNumber"])

    async def ask(self) -> str:
        """Return as whom the server knows us."""
        self.writer.write(b"who\n")
        return (await self.reader.readline()).decode().split()[0]

    def __del__(self) -> None:
        self.writer.transport.abort()


def server_of(files: Path, *, client_ca: bool = False) -> ssl.SSLContext:
    """Return the server's context."""
    return server_context(files / "server.crt", files / "server.key", files / "ca.crt" if client_ca else None)


async def test_a_renewed_certificate_serves_the_next_connection_and_breaks_none(files: Path):
    """A restart would break the uploads of all senders; and one forgot it, and it expired."""
    trusted = client_context(files / "ca.crt")
    async with serving(server_of(files)) as port:
        before = await Connection.to(port, trusted)
        Authority(files, "ca").issue("server")  # a new authority, too: the client's file is read again
        after = await Connection.to(port, trusted)
        assert after.serial != before.serial
        assert (await before.ask(), await after.ask()) == ("nobody", "nobody")


async def test_an_authority_that_is_replaced_is_trusted_no_longer(files: Path):
    """Adding the new one to what was trusted before would leave a stolen key in force."""
    trusted = client_context(files / "ca.crt")
    async with serving(server_of(files)) as port:
        assert await (await Connection.to(port, trusted)).ask() == "nobody"
        (files / "ca.crt").write_bytes((files / "other.crt").read_bytes())
        with pytest.raises(ssl.SSLCertVerificationError):
            await Connection.to(port, trusted)


async def test_a_clients_own_certificate_is_renewed_too(files: Path):
    """As Kafka's: brokers refuse an expired one, and the worker would never connect again."""
    known = client_context(files / "ca.crt", files / "client.crt", files / "client.key")
    async with serving(server_of(files, client_ca=True)) as port:
        assert await (await Connection.to(port, known)).ask() == "client"
        Authority(files, "ca").issue("server").issue("client")
        assert await (await Connection.to(port, known)).ask() == "client"


async def test_a_client_needs_no_certificate_but_a_strangers_is_refused(files: Path):
    """Probes and browsers have none; who shows one has to be known by the authority."""
    async with serving(server_of(files, client_ca=True)) as port:
        assert await (await Connection.to(port, client_context(files / "ca.crt"))).ask() == "nobody"
        stranger = client_context(files / "ca.crt", files / "stranger.crt", files / "stranger.key")
        with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
            await (await Connection.to(port, stranger)).ask()


BROKEN = {
    "cut off": ("server.crt", lambda raw: raw[:200], "file {}/server.crt cannot be used: "),
    "empty": ("server.crt", lambda _: b"", "file {}/server.crt cannot be used: "),
    "another key": (
        "server.key",
        None,
        "key {0}/server.key cannot be used with certificate {0}/server.crt: ",
    ),
    "no key": ("server.key", lambda _: b"x", "key {0}/server.key cannot be used with certificate "),
    "an authority": ("ca.crt", lambda _: b"x", "file {}/ca.crt cannot be used: "),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_replacement_keeps_the_old_one_and_is_logged_once(
    files: Path, caplog: pytest.LogCaptureFixture, case: str
):
    """The log names the file and the reason; the next good one is taken over."""
    name, change, fault = BROKEN[case]
    raw = (files / name).read_bytes()
    broken = change(raw) if change else (files / "client.key").read_bytes()
    trusted = ssl.create_default_context(cafile=files / "ca.crt")
    async with serving(server_of(files, client_ca=True)) as port:
        before = (await Connection.to(port, trusted)).serial
        (files / name).write_bytes(broken)
        for _ in range(3):
            assert (await Connection.to(port, trusted)).serial == before
        [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert said.startswith("New content of a file is refused; the old one stays in use.")
        assert fault.format(files) in said
        (files / name).write_bytes(raw)
        assert await (await Connection.to(port, trusted)).ask() == "nobody"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_at_the_start(files: Path, case: str):
    """By a sentence that names it."""
    name, change, fault = BROKEN[case]
    broken = change((files / name).read_bytes()) if change else (files / "client.key").read_bytes()
    (files / name).write_bytes(broken)
    with pytest.raises(Misconfigured) as refused:
        server_of(files, client_ca=True)
    assert str(refused.value).startswith(fault.format(files))
    assert "; expected" in str(refused.value)


@pytest.mark.parametrize(
    ("ca", "host", "fault"),
    [
        ("ca", "localhost", None),
        ("ca", "127.0.0.1", None),
        ("ca", "worker-1", "worker-1"),
        ("other", "localhost", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_worker_finds_out_at_its_start_whether_others_trust_it(
    files: Path, ca: str, host: str, fault: str | None
):
    """Partitions would be missing in the answers of all others, and only their logs would say why."""
    found = fault_of_handshake(server_of(files, client_ca=True), client_context(files / f"{ca}.crt"), host)
    assert found == fault or (fault is not None and fault in str(found))


async def test_a_broken_file_is_logged_while_nobody_connects(files: Path, caplog: pytest.LogCaptureFixture):
    """A connection to Kafka may stay for weeks; the next one must not be the first to find out."""
    context = server_of(files)
    (files / "server.crt").write_bytes(b"")
    assert context in tls.LIVE
    for live in list(tls.LIVE):
        live.look()
    assert "server.crt cannot be used" in caplog.text
