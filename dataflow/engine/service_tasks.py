"""Service tasks: one that is cancelled while its service runs ends the worker."""

import asyncio
from collections.abc import Awaitable

from mode import Service

from dataflow.errors import DataflowError


class TaskEnded(DataflowError):
    """A task that a service cannot do without has ended, and nothing would start it again."""


async def execute_task(service: Service, task: Awaitable[None]) -> None:
    """Run a task of a service; a service that loses it crashes, and with it the worker.

    Takes the place of mode's own, which logs a cancelled task, and a closed loop, and goes on.
    """
    try:
        await task
    except asyncio.CancelledError:
        if not service.should_stop:
            name = getattr(task, "__qualname__", repr(task))
            await service.crash(TaskEnded(f"task {name} was cancelled; expected it to run until the end"))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker ends with it
        await service.crash(error)


def watch_service_tasks() -> None:
    """Have all services of mode run their tasks like this."""
    Service._execute_task = execute_task  # type: ignore[assignment,method-assign]
