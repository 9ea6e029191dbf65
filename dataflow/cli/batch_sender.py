"""Batch sender: sends record batches to one topic, several at a time, and counts the acknowledged ones."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from dataflow.kafka.clients import running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.types import BatchBuilder

BATCH_BYTES = 256 << 10
BATCHES_IN_FLIGHT = 16


class SendResult(Protocol):
    """What became of the records that were sent."""

    acknowledged: int
    """Records that all replicas have."""
    failed: list[str]
    """Why records are not stored, a text for each batch."""


class BatchSender:
    """Sends batches, each partition in turn; the results go into `result`."""

    def __init__(
        self, producer: IdempotentProducer, topic: str, partitions: Iterator[int], result: SendResult
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._result = result
        self._in_flight: set[asyncio.Task[None]] = set()

    async def send(self, batch: BatchBuilder, subject: str) -> None:
        """Send a batch, once few enough are unanswered; `subject` names it in errors.

        Cancelled while it waits, it has not sent the batch.
        """
        if len(self._in_flight) >= BATCHES_IN_FLIGHT:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
        stored = await self._producer.send_batch(batch, self._topic, partition=next(self._partitions))
        answer = asyncio.create_task(self._await_answer(stored, batch.record_count(), subject))
        self._in_flight.add(answer)
        answer.add_done_callback(self._in_flight.discard)

    async def finish(self) -> None:
        """Wait for the last answers."""
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _await_answer(self, stored: "asyncio.Future[object]", records: int, subject: str) -> None:
        try:
            await stored
        except KafkaError as error:
            self._result.failed.append(f"{subject} are not stored: {error!r}")
        else:
            self._result.acknowledged += records


def loading_producer(connection: Mapping[str, object]) -> AbstractAsyncContextManager[IdempotentProducer]:
    """Give a producer that stores each batch once, on all replicas."""
    return running(IdempotentProducer(connection, "zstd", batch_bytes=BATCH_BYTES))
