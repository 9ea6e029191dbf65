"""HTTPS: a listener for senders, which uses certificate files that are replaced without a restart."""

import socket
import ssl
from functools import partial
from pathlib import Path

from aiohttp.web import Application, SockSite
from mode import Service

from dataflow.errors import Misconfigured
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.watched_files import WatchedFiles
from dataflow.web_server import BACKLOG, listen, runner_of

log = get_log(__name__)

LOOK_SECONDS = 2.0


class HttpsListener(Service):
    """Serves an application by HTTPS; files that change are taken over for new connections."""

    def __init__(self, application: Application, settings: Settings) -> None:
        """Read the files; raise `Misconfigured` if they do not go together."""
        super().__init__()
        self._settings = settings
        certificate, key = settings.ingest_tls_cert_file, settings.ingest_tls_key_file
        assert certificate is not None
        if key is None:
            raise Misconfigured(
                "DATAFLOW_INGEST_TLS_KEY_FILE is not set; expected a file, "
                "for DATAFLOW_INGEST_TLS_CERT_FILE is set"
            )
        files = certificate, key, settings.ingest_tls_client_ca_file
        self._context = WatchedFiles([path for path in files if path], partial(tls_context, *files))
        self._socket: socket.socket | None = None
        self._runner = runner_of(application)

    async def on_start(self) -> None:
        """Listen; raise `Misconfigured` if nobody can."""
        settings = self._settings
        await self._runner.setup()
        self._socket = listen("DATAFLOW_INGEST_TLS_PORT", settings.web_host, settings.ingest_tls_port)
        self._site = await self._serve(self._socket)

    async def on_stop(self) -> None:
        """Finish what is under way, and close."""
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()

    @Service.task
    async def _watch(self) -> None:
        async for _ in self.itertimer(LOOK_SECONDS, name="https-files"):
            try:
                if self._context.refresh():
                    await self._use_new_certificate()
            except Misconfigured as fault:
                log.warning("Certificate is refused; the old one stays in use.", error=fault)

    async def _use_new_certificate(self) -> None:
        assert self._socket is not None
        before, self._site = self._site, await self._serve(self._socket)
        await before.stop()
        log.info("New certificate is in use.")

    async def _serve(self, listening: socket.socket) -> SockSite:
        # Two descriptors of one listening socket: whoever connects meanwhile waits in its queue.
        context = self._context.content
        site = SockSite(self._runner, listening.dup(), ssl_context=context, backlog=BACKLOG)
        await site.start()
        return site


def tls_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """Return a server's context; with `client_ca` it asks for a certificate; raise `Misconfigured`."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # an ssl.SSLError, too, is one
        raise Misconfigured(
            f"certificate {certificate} and key {key} cannot be used: {error}; "
            "expected PEM files that belong together"
        ) from error
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    raise OSError("the key asks for a password")  # else the worker would ask for it on its terminal
