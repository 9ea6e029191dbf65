"""Certificates: when those of the settings, and those that the brokers show, expire."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from cryptography import x509

from dataflow.certificates import expires_at
from dataflow.cli.doctor.broker import CONNECT_SECONDS
from dataflow.cli.doctor.finding import Examined, Finding, error, ok, warning
from dataflow.settings import Settings, variable_of

CHECK = "certificates"
SOON_DAYS, NOW_DAYS = 30, 7


def own_certificates(settings: Settings) -> Iterator[Finding]:
    """Look at every certificate file of the settings."""
    for name in type(settings).model_fields:
        path = getattr(settings, name)
        if isinstance(path, Path) and name.endswith(("cert_file", "ca_file")):
            where = f"{variable_of(name)} ({path})"
            try:
                expires = expires_at(path)
            except (OSError, ValueError) as fault:
                remedy = "correct the file, or the setting"
                yield error(CHECK, f"{where} cannot be read: {fault}", "certificates (PEM)", remedy)
                continue
            yield _finding(where, expires)


async def broker_certificates(examined: Examined) -> AsyncIterator[Finding]:
    """Look at what each broker shows."""
    context = examined.connection.get("ssl_context")
    if context is None:
        return
    for node in examined.admin.client.cluster.brokers():
        where = f"certificate of broker {node.nodeId} at {node.host}:{node.port}"
        try:
            shown = await _shown(node.host, node.port, cast("ssl.SSLContext", context))
        except (OSError, TimeoutError) as fault:
            expected = "one that DATAFLOW_BROKER_CA_FILE trusts, for that name"
            yield error(
                CHECK, f"{where} is refused: {fault}", expected, "correct the certificate or the setting"
            )
        else:
            yield _finding(where, x509.load_der_x509_certificate(shown).not_valid_after_utc)


async def _shown(host: str, port: int, context: ssl.SSLContext) -> bytes:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


def _finding(where: str, expires: datetime) -> Finding:
    days = (expires - datetime.now(UTC)).total_seconds() / 86_400
    found = f"{where} expires on {expires:%Y-%m-%d}, in {days:,.0f} days"
    if days >= SOON_DAYS:
        return ok(CHECK, found)
    level = error if days < NOW_DAYS else warning
    return level(
        CHECK, found, f"at least {SOON_DAYS} days", "replace the file; running workers read it again"
    )
