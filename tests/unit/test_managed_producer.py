"""The worker's producer while it starts: nothing of it stays open when the worker ends meanwhile."""

import asyncio
import gc
import warnings

import pytest

from dataflow.kafka.connection import connection
from dataflow.kafka.managed_producer import ManagedProducer


async def test_a_producer_whose_start_is_cancelled_is_dropped():
    """Its finalizer told of it later, in the place of something else."""
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as broker:
        host, port = broker.sockets[0].getsockname()
        managed = ManagedProducer(connection([f"{host}:{port}"]), None)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            starting = asyncio.create_task(managed.start("id"))
            await asked.wait()
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            del starting, managed
            gc.collect()
    assert [str(warning.message) for warning in told] == []
