"""Coordination: what has gone wrong between a consumer and its group."""

import asyncio
from collections.abc import Mapping

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
)

from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.types import Consumer

LIMITS = ("group.min.session.timeout.ms", "group.max.session.timeout.ms")


def has_lost_group(consumer: Consumer) -> bool:
    """Tell whether the group knows this member no more; it joins anew."""
    return bool(consumer._coordinator.generation < 0)


def drop_instance_id(consumer: Consumer) -> None:
    """Make a static member a dynamic one, before it joins again."""
    consumer._coordinator._group_instance_id = None


async def coordination_error(consumer: Consumer) -> tuple[KafkaError | None, bool]:
    """Return the error that the group's coordinator has answered with, and whether a task has ended by it.

    aiokafka waits for somebody to take the error before it goes on. Call it in the consumer's loop.
    """
    coordinator, ended = consumer._coordinator, _ended_task(consumer)
    try:
        coordinator.check_errors()
    except GroupAuthorizationFailedError as error:  # a right may be given at any time
        coordinator.request_rejoin()  # its heartbeats may have ended
        return error, coordinator._coordination_task.done()
    except KafkaError as error:
        return error, ended is not None
    except asyncio.CancelledError:
        pass
    return (KafkaError(f"{ended} of the consumer has ended") if ended else None), ended is not None


def _ended_task(consumer: Consumer) -> str | None:
    """Return which task of a running consumer is over; without one of them it stands still."""
    coordinator = consumer._coordinator
    if coordinator._closing.done():
        return None
    tasks = {
        "coordination": coordinator._coordination_task,
        "fetching": consumer._fetcher._fetch_task,
        "metadata refresh": consumer._client._sync_task,
    }
    if not coordinator._rejoin_needed_fut.done() and coordinator.generation > 0:
        tasks["heartbeat"] = coordinator._heartbeat_task
    return next((name for name, task in tasks.items() if task is not None and task.done()), None)


async def refusal_of(
    error: KafkaError, connection: Mapping[str, object], group: str, session_timeout_ms: int
) -> Misconfigured | None:
    """Return what is to be changed if no other try can help; None if one may."""
    if isinstance(error, InvalidSessionTimeoutError):
        return Misconfigured(await _session_refusal(connection, session_timeout_ms))
    if isinstance(error, InconsistentGroupProtocolError):
        return Misconfigured(
            f"group {group} has members that are no workers of this app; expected another DATAFLOW_APP_ID"
        )
    return None


async def _session_refusal(connection: Mapping[str, object], session_timeout_ms: int) -> str:
    subject = f"DATAFLOW_SESSION_TIMEOUT_MS is {session_timeout_ms}, which the broker refuses"
    try:
        async with running(Admin(connection)) as admin:
            lowest, highest = map((await admin.broker_configs(LIMITS)).__getitem__, LIMITS)
    except (KafkaError, OSError, KeyError):
        return f"{subject}; expected a value between its {' and its '.join(LIMITS)}"
    return f"{subject}; expected {lowest} to {highest} ({LIMITS[0]}, {LIMITS[1]})"
