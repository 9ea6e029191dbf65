"""Topic loader: sends lines, or record batches, to a topic, and counts what is acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Protocol

from dataflow.errors import DataflowError, missing_topic
from dataflow.kafka.admin import MAX_MESSAGE_BYTES, Admin
from dataflow.kafka.clients import drop, running
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.producers import IdempotentProducer, next_led, refusal_of
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
        partition = await next_led(self._producer, self._topic, self._partitions)
        stored = await self._producer.send_batch(batch, self._topic, partition=partition)
        answer = asyncio.create_task(self._await_answer(stored, batch.record_count(), subject))
        self._in_flight.add(answer)
        answer.add_done_callback(self._in_flight.discard)

    async def finish(self) -> None:
        """Wait for the last answers."""
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _await_answer(self, stored: "asyncio.Future[object]", records: int, subject: str) -> None:
        try:
            with refusal_of(self._topic):
                await stored
        except KafkaError as error:
            self._result.failed.append(f"{subject} are not stored: {error}")
        else:
            self._result.acknowledged += records


@asynccontextmanager
async def loading_producer(connection: Mapping[str, object]) -> AsyncIterator[IdempotentProducer]:
    """Give a producer that stores each batch once, on all replicas; an error drops what is not sent."""
    async with running(IdempotentProducer(connection, "zstd", batch_bytes=BATCH_BYTES)) as producer:
        try:
            yield producer
        except BaseException:
            await drop(producer)
            raise


BATCH_LINES = 500  # small enough that a short file reaches every partition


@dataclass(slots=True)
class Loaded:
    """What became of the lines; line numbers begin with 1."""

    lines: int = 0
    acknowledged: int = 0
    too_large: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why lines are not stored: a text for each batch, and for a truncated file."""

    @property
    def is_complete(self) -> bool:
        """Tell whether the whole file is stored."""
        return self.acknowledged == self.lines and not self.failed


class TopicLoader:
    """Sends lines to one topic in batches, each partition in turn; keys are null."""

    def __init__(self, producer: IdempotentProducer, topic: str, partitions: int, most_bytes: int) -> None:
        self.loaded = Loaded()
        self._producer = producer
        self._sender = BatchSender(producer, topic, cycle(range(partitions)), self.loaded)
        self._most_bytes = most_bytes

    async def send(self, lines: Iterable[bytes]) -> None:
        """Send lines; wait only while too many batches are unanswered."""
        for first, batch in self._batches(lines):
            await self._sender.send(batch, f"lines {first} to {first + batch.record_count() - 1}")

    async def finish(self) -> Loaded:
        """Wait for the last answers."""
        await self._sender.finish()
        return self.loaded

    def _batches(self, lines: Iterable[bytes]) -> Iterator[tuple[int, BatchBuilder]]:
        """Yield batches, each with the number of its first line."""
        batch = self._producer.create_batch()
        first = self.loaded.lines + 1
        for line in lines:
            self.loaded.lines += 1
            number = self.loaded.lines
            while batch.append(timestamp=None, key=None, value=line) is None:
                yield first, batch
                batch, first = self._producer.create_batch(), number
            if batch.record_count() == 1 and batch.size() > self._most_bytes:
                self.loaded.too_large.append(number)
                batch, first = self._producer.create_batch(), number + 1
            elif batch.record_count() == BATCH_LINES:
                yield first, batch
                batch, first = self._producer.create_batch(), number + 1
        if batch.record_count():
            yield first, batch


async def topic_loader(
    connection: Mapping[str, object], producer: IdempotentProducer, topic: str
) -> TopicLoader:
    """Return a loader; raise `DataflowError` when there is no such topic."""
    async with running(Admin(connection)) as admin:
        partitions = await admin.partition_counts()
        if topic not in partitions:
            raise missing_topic(topic, partitions)
        config = (await admin.configs({topic: [MAX_MESSAGE_BYTES, "cleanup.policy"]}))[topic]
    if "compact" in config["cleanup.policy"]:
        raise DataflowError(
            f"topic {topic} is refused: compacted topic cannot accept message without key, as lines are; "
            "expected `dataflow rules put FILE` or `dataflow utm-sources put FILE` for theirs"
        )
    return TopicLoader(producer, topic, partitions[topic], int(config[MAX_MESSAGE_BYTES]))
