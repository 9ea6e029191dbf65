"""Broker: whether anybody listens, lets us in, and is reached where the cluster says that it is."""

import asyncio
import os
from collections.abc import AsyncIterator

from dataflow.cli.doctor.finding import Examined, Finding, error, ok

CONNECT_SECONDS = 3.0
CHECK = "broker"


async def fault_of_address(host: str, port: int) -> str | None:
    """Return why nobody is reached there; None if somebody listens."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"nothing answers within {CONNECT_SECONDS:g} s"
    except OSError as fault:
        of_system = fault.errno or 0  # below 0: of getaddrinfo
        return os.strerror(of_system) if of_system > 0 else str(fault.strerror or fault)
    writer.close()
    return None


async def bootstrap_faults(addresses: list[str]) -> list[Finding]:
    """Return what is wrong with the addresses of the settings; with one that answers, only a remark."""
    faults = await asyncio.gather(*(fault_of_address(*_split(address)) for address in addresses))
    pairs = list(zip(addresses, faults, strict=True))
    if any(fault is None for fault in faults):
        return [ok(CHECK, f"{address} listens") for address, fault in pairs if fault is None]
    told = "; ".join(f"{address}: {fault}" for address, fault in pairs)
    return [
        error(
            CHECK,
            f"no broker can be reached: {told}",
            "a Kafka broker that listens there",
            "start it, or correct DATAFLOW_BROKER; check firewalls between this machine and the broker",
        )
    ]


async def listeners(examined: Examined) -> AsyncIterator[Finding]:
    """Look at the addresses by which the brokers tell clients to reach them."""
    for node in examined.admin.client.cluster.brokers():
        fault = await fault_of_address(node.host, node.port)
        where = f"broker {node.nodeId} advertises {node.host}:{node.port}"
        if fault is None:
            yield ok(CHECK, f"{where}, which is reached")
        else:
            yield error(
                CHECK,
                f"{where}, which is not reached: {fault}",
                "an address that every client reaches",
                "correct advertised.listeners of that broker, or the DNS of this machine",
            )


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
