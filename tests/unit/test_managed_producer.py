"""The worker's producer while it starts: nothing of it stays open when the worker ends meanwhile."""

import asyncio
import gc
import warnings

import pytest
from harness.silent_broker import silent_broker

from dataflow.kafka.connection import connection
from dataflow.kafka.managed_producer import ManagedProducer


async def test_a_producer_whose_start_is_cancelled_is_dropped():
    """Its finalizer told of it later, in the place of something else."""
    async with silent_broker() as broker:
        managed = ManagedProducer(connection([broker.address]), None)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            starting = asyncio.create_task(managed.start("id"))
            await broker.asked.wait()
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            del starting, managed
            gc.collect()
    assert [str(warning.message) for warning in told] == []


async def test_a_producer_that_finds_out_why_it_cannot_begin_ends_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
):
    """It may ask each broker for 15 s, and a worker has hardly more for its end."""
    is_asking = asyncio.Event()

    async def ask_for_ever(*_: object) -> str:
        is_asking.set()
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr("dataflow.kafka.managed_producer.explain", ask_for_ever)
    managed = ManagedProducer(connection(["127.0.0.1:1"]), None)
    starting = asyncio.create_task(managed.start("id"))
    await asyncio.wait_for(is_asking.wait(), 30)
    await managed.stop()
    await asyncio.wait_for(starting, 10)
    assert not managed.ready.is_set()


async def test_a_producer_ends_when_it_is_stopped_while_a_broker_says_nothing():
    """It waited for as long as a request may take, 40 s; and none is left open."""
    async with silent_broker() as broker:
        managed = ManagedProducer(connection([broker.address]), None)
        starting = asyncio.create_task(managed.start("id"))
        await asyncio.wait_for(broker.asked.wait(), 30)
        await managed.stop()
        await asyncio.wait_for(starting, 10)
        await asyncio.wait_for(broker.left.wait(), 10)
