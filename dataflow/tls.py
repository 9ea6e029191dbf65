"""TLS: contexts whose certificates are taken over when their files are replaced, each for new connections."""

import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from ssl import MemoryBIO, SSLContext, SSLObject, SSLSocket
from typing import Any, Final, Self
from weakref import WeakSet

from dataflow.errors import Misconfigured
from dataflow.watched_files import WatchedFiles

HANDSHAKE_TURNS: Final = 4

LIVE: WeakSet["RenewedContext"] = WeakSet()
"""All contexts that are in use; a worker looks at their files even while nobody connects."""


class RenewedContext(SSLContext):
    """Begins every connection with what the files hold then; open connections go on as they began.

    Files that cannot be used are logged once, and the certificates before them stay in use.
    """

    _files: WatchedFiles[SSLContext]
    certificate: Path | None
    """The file of its own certificate, which others look at."""

    def __new__(
        cls, paths: Sequence[Path], read: Callable[[], SSLContext], certificate: Path | None = None
    ) -> Self:
        """Read the files; raise whatever `read` raises."""
        files = WatchedFiles(paths, read)
        context = super().__new__(cls, files.content.protocol)
        context.check_hostname = files.content.check_hostname
        context.verify_mode = files.content.verify_mode
        context._files = files
        context.certificate = certificate
        LIVE.add(context)
        return context

    def __init__(
        self, paths: Sequence[Path], read: Callable[[], SSLContext], certificate: Path | None = None
    ) -> None:
        """Only `__new__` does something, as with every context."""

    def look(self) -> None:
        """Take over what has changed."""
        self._files.latest()

    def wrap_bio(self, *arguments: Any, **options: Any) -> SSLObject:  # noqa: ANN401  # signature of ssl
        """Begin a connection of asyncio or uvloop."""
        return self._files.latest().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> SSLSocket:  # noqa: ANN401  # signature of ssl
        """Begin a connection of a socket that blocks."""
        return self._files.latest().wrap_socket(*arguments, **options)


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> RenewedContext:
    """Return the context of a server; with `client_ca` clients may show a certificate.

    Raises `Misconfigured`, as the next one does, for a file that cannot be used.
    """
    paths = [path for path in (certificate, key, client_ca) if path]
    return RenewedContext(paths, partial(_read_server, certificate, key, client_ca), certificate)


def client_context(ca: Path | None, certificate: Path | None = None, key: Path | None = None) -> SSLContext:
    """Return the context of a client that trusts `ca`, or what this system trusts."""
    paths = [path for path in (ca, certificate, key) if path]
    return RenewedContext(paths, partial(read_client, ca, certificate, key), certificate)


def fault_of_handshake(server: SSLContext, client: SSLContext, host: str) -> str | None:
    """Return why a client would not trust a server that it reaches by this name or address; None if it would.

    Both ends talk to each other in memory.
    """
    to_server, to_client = MemoryBIO(), MemoryBIO()
    ends = (
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=host),
    )
    for end in ends * HANDSHAKE_TURNS:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except (ssl.SSLError, ValueError) as error:  # ValueError: no name that a certificate may have
            return str(error)
    return None


def _read_server(certificate: Path, key: Path, client_ca: Path | None) -> SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load_own(context, certificate, key)
    if client_ca is not None:
        _load_authorities(context, client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def read_client(ca: Path | None, certificate: Path | None, key: Path | None) -> SSLContext:
    """Return what the files hold now; raise `Misconfigured` for one that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:  # an ssl.SSLError, too, is one
        raise _unusable(ca, error) from error
    if certificate is not None:
        _load_own(context, certificate, key or certificate)
    return context


def _load_authorities(context: SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path | None, error: OSError) -> Misconfigured:
    return Misconfigured(f"file {path} cannot be used: {error}; expected certificates (PEM)")


def _load_own(context: SSLContext, certificate: Path, key: Path) -> None:
    _load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate)  # else an error names neither
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:
        fault = f"key {key} cannot be used with certificate {certificate}: {error}"
        raise Misconfigured(f"{fault}; expected the key (PEM) of that certificate") from error


def _no_password() -> str:
    raise OSError("it asks for a password")  # else a worker would ask for it on its terminal
