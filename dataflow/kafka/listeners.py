"""Listeners: what is spoken at an address of a broker, to say why one who speaks otherwise is cut off."""

import asyncio
import ssl
from collections.abc import Mapping

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

PROBE_SECONDS = 5.0
CLOSE_SECONDS = 1.0


async def connect_once(server: str, connection: Mapping[str, object]) -> list[str]:
    """Return the addresses that an address names for all brokers; raise what stands against it."""
    async with asyncio.timeout(PROBE_SECONDS):
        opened = await _connect(server, connection)
        try:
            answer = await opened.send(MetadataRequest([]))
        finally:
            await _close(opened)
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for _, host, port, *_ in answer.brokers]


async def speaks_plaintext(server: str, connection: Mapping[str, object]) -> bool:
    """Tell whether a broker answers there without TLS."""
    return await mechanisms(server, connection, "PLAINTEXT") is not None


async def speaks_tls(server: str) -> bool:
    """Tell whether whoever is there speaks TLS."""
    host, port = server.rsplit(":", 1)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is said to whoever is there
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
            writer.transport.abort()  # whoever says no goodbye has spoken TLS all the same
    except (OSError, TimeoutError):
        return False
    return True


async def mechanisms(server: str, connection: Mapping[str, object], protocol: str) -> list[str] | None:
    """Return the SASL mechanisms of a listener: none where it asks for no user, None if it is silent."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            opened = await _connect(server, {**connection, "security_protocol": protocol})
            try:
                answer = await opened.send(SaslHandShakeRequest("NONE"))
            finally:
                await _close(opened)
    except (KafkaError, OSError, TimeoutError):
        return None
    return list(answer.enabled_mechanisms)


async def _close(opened: AIOKafkaConnection) -> None:
    await asyncio.wait([opened.close()], timeout=CLOSE_SECONDS)


async def _connect(server: str, connection: Mapping[str, object]) -> AIOKafkaConnection:
    host, port = server.rsplit(":", 1)
    arguments = {**connection, "request_timeout_ms": int(PROBE_SECONDS * 1000)}
    del arguments["bootstrap_servers"]
    opened = AIOKafkaConnection(host.strip("[]"), int(port), **arguments)
    try:
        await opened.connect()
    except KafkaError:  # of a login that is refused; where nobody listens, nothing is open
        await _close(opened)
        raise
    return opened
