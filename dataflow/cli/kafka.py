"""Runs coroutines that need Kafka, and turns their errors into one clear one."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from dataflow.errors import DataflowError
from dataflow.kafka.errors import KafkaError

Result = TypeVar("Result")


def run_with_broker(connection: Mapping[str, Any], work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine; what Kafka or the network refuses becomes a `DataflowError`."""
    try:
        return asyncio.run(work)
    except (KafkaError, OSError) as error:
        servers = ",".join(connection["bootstrap_servers"])
        raise DataflowError(
            f"broker {servers} answers with '{error}'; expected it to serve; see DATAFLOW_BROKER"
        ) from error
