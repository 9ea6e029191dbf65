"""Runs coroutines that need Kafka, and turns their errors into one clear one."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dataflow.cli.standard_streams import FAILURES
from dataflow.errors import DataflowError

Result = TypeVar("Result")


def run_with_broker(connection: Mapping[str, Any], work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine; what Kafka or the network refuses becomes a `DataflowError`."""
    from dataflow.kafka.errors import KafkaConnectionError, KafkaError, missing_right
    from dataflow.kafka.refusals import explain, find_refusal

    servers = ",".join(connection["bootstrap_servers"])
    try:
        return _run(work)
    except KafkaConnectionError as error:
        refusal = asyncio.run(find_refusal(connection))
        expected = "expected one to serve there; see DATAFLOW_BROKER"
        raise DataflowError(
            f"no broker can be reached at {servers}: {refusal.text if refusal else expected}"
        ) from error
    except (KafkaError, OSError) as error:
        if isinstance(error, OSError) and (error.filename is not None or error.errno in FAILURES):
            raise  # of a file or of stdin: not the broker's
        if missing_right(error):
            raise DataflowError(asyncio.run(explain(error, connection))) from error
        answer = "does not answer in time" if isinstance(error, TimeoutError) else f"answers with '{error}'"
        raise DataflowError(
            f"broker {servers} {answer}; expected it to serve; see DATAFLOW_BROKER"
        ) from error


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_UnwaitedThreads())
        return runner.run(work)


class _UnwaitedThreads(ThreadPoolExecutor):
    """Threads that nobody waits for in the end: one that reads a pipe would let Ctrl-C do nothing."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  # Python's
        """Begin nothing more."""
        super().shutdown(wait=False, cancel_futures=True)


def ask_broker(work: Callable[[dict[str, object]], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine with the connection to the broker of the settings, as `run_with_broker` does."""
    from dataflow.connection import broker_connection
    from dataflow.settings import settings

    connection = broker_connection(settings())
    return run_with_broker(connection, work(connection))
