"""Errors of a transaction: whoever waits for its end learns of them, and nobody else has to."""

import asyncio
import gc

from aiokafka.errors import TopicAuthorizationFailedError

from dataflow.kafka.clients import drop
from dataflow.kafka.connection import connection
from dataflow.kafka.producers import TransactionalProducer


async def test_a_transaction_that_fails_after_its_checkpoint_was_cut_off_complains_to_nobody():
    """Where a right was taken away, asyncio logged that nobody had read the error."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    producer = TransactionalProducer(connection(["127.0.0.1:1"]), "id")
    manager = producer._txn_manager
    manager.set_pid_and_epoch(1, 0)
    await producer.begin_transaction()
    manager.error_transaction(TopicAuthorizationFailedError({"events"}))
    await asyncio.sleep(0)
    assert isinstance(producer.transaction_error, TopicAuthorizationFailedError)
    await producer_ends_a_transaction_that_nobody_looks_at()
    await drop(producer)
    gc.collect()
    assert told == []


async def producer_ends_a_transaction_that_nobody_looks_at() -> None:
    """Let one go, as a worker does that begins a new session."""
    producer = TransactionalProducer(connection(["127.0.0.1:1"]), "other")
    producer._closed = True
    producer._txn_manager.set_pid_and_epoch(1, 0)
    await producer.begin_transaction()
    producer._txn_manager.error_transaction(TopicAuthorizationFailedError({"events"}))
    await asyncio.sleep(0)
