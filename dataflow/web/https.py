"""HTTPS: the certificate of the web server, and what workers and commands trust when they ask another one."""

import ssl
from functools import partial

from aiohttp import ClientSession, TCPConnector
from mode import Service

from dataflow.app import Dataflow
from dataflow.engine.address import is_loopback
from dataflow.logs import get_log
from dataflow.settings import Settings
from dataflow.tls import LIVE, client_context, fault_of_handshake, server_context

log = get_log(__name__)

LOOK_SECONDS = 2.0


class CertificateWatch(Service):
    """Looks at all files of certificates, so that a broken one is logged before somebody connects."""

    @Service.task
    async def _watch(self) -> None:
        async for _ in self.itertimer(LOOK_SECONDS, name="certificates"):
            for context in list(LIVE):
                context.look()


def speak_https(app: Dataflow, settings: Settings) -> None:
    """Give the web server its certificate, if there is one; raise `Misconfigured` if it cannot be used."""
    trusted = client_context(settings.web_tls_ca_file)
    app.conf.HttpClient = partial(_session, trusted)  # type: ignore[assignment]  # Faust calls it
    certificate, key = settings.web_tls_cert_file, settings.web_tls_key_file
    if certificate is None or key is None:
        return
    conf, port = app.conf, settings.web_plain_port
    conf.web_ssl_context = server_context(certificate, key, settings.web_tls_client_ca_file)
    conf.canonical_url = conf.canonical_url  # `AppSettings` writes https:// into it from here on
    host = settings.advertised_host.strip("[]")
    if (fault := fault_of_handshake(conf.web_ssl_context, trusted, host)) is not None:
        log.warning(
            "Other workers do not trust the certificate of this one; see HTTPS in docs/operations.md.",
            advertised_host=host,
            error=fault,
        )
    app.web.plain_port = port
    if port is not None and not is_loopback(settings.web_host):
        log.warning("Others reach the plain port: what they send to it is not encrypted.", port=port)


def _session(trusted: ssl.SSLContext) -> ClientSession:
    return ClientSession(connector=TCPConnector(ssl=trusted))
