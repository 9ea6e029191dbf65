"""Connecting to a broker that may be away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeVar

from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import backoff
from dataflow.kafka.errors import BROKER_AWAY, KafkaError
from dataflow.logs import get_log

log = get_log(__name__)

T = TypeVar("T")

WAIT_SECONDS = 60.0


async def connect_admin(connection: Mapping[str, object], wait_seconds: float = WAIT_SECONDS) -> Admin:
    """Return a started admin client; wait for a broker that is away, with backoff.

    Raises `Misconfigured` when none has answered in time.
    """
    deadline = monotonic() + wait_seconds
    for pause in backoff():
        admin = Admin(connection)
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            await admin.stop()
            servers = connection["bootstrap_servers"]
            if monotonic() + pause > deadline:
                raise Misconfigured(
                    f"broker {servers} does not answer: {error}; expected a Kafka broker there within "
                    f"{wait_seconds:.0f} s, reachable by {connection['security_protocol']}. "
                    "See that it runs, and look at DATAFLOW_BROKER and DATAFLOW_BROKER_SECURITY"
                ) from error
            log.warning("Broker does not answer; trying again.", wait_seconds=pause, error=error)
            await asyncio.sleep(pause)
        else:
            return admin
    raise AssertionError("backoff() has no end")


async def with_admin(connection: Mapping[str, object], work: Callable[[Admin], Awaitable[T]]) -> T:
    """Return what `work` returns; a broker that goes away meanwhile is waited for, and asked again."""
    while True:
        admin = await connect_admin(connection)
        try:
            return await work(admin)
        except BROKER_AWAY as error:
            log.warning("Broker has gone away; trying again.", error=error)
        finally:
            await admin.stop()
