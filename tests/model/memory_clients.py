"""Clients of the Kafka in memory: what workers use of aiokafka, each request on a line that a test holds."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from aiokafka.errors import IllegalOperation, KafkaConnectionError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from model.memory_broker import MemoryBroker, MemoryRecord

from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.offset_fetch import UnstableOffsetCommit

T = TypeVar("T")
POLL_SECONDS = 0.05
STALLED_SECONDS = 60.0


class Fate(Enum):
    """What becomes of a request."""

    ARRIVES = "it is done, and answered"
    LOST = "the broker never sees it"
    UNANSWERED = "it is done, and the answer is lost"


class Line:
    """The way from one worker to the broker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker
        self.is_held = False
        self.waiting: deque[asyncio.Future[Fate]] = deque()

    async def request(self, effect: Callable[[], T]) -> T:
        """Have the broker do something, when and if the line lets it."""
        fate = Fate.ARRIVES
        if self.is_held:
            self.waiting.append(asyncio.get_running_loop().create_future())
            fate = await self.waiting[-1]
        else:
            await asyncio.sleep(0)
        if fate is Fate.LOST:
            raise KafkaConnectionError("the request is lost")
        result = effect()
        if fate is Fate.UNANSWERED:
            raise KafkaConnectionError("the answer is lost")
        return result

    def let(self, fate: Fate) -> None:
        """Decide on the request that has waited longest."""
        while self.waiting:
            request = self.waiting.popleft()
            if not request.done():  # else who has sent it has given up
                request.set_result(fate)
                return

    def release(self) -> None:
        """Let all through, now and later."""
        self.is_held = False
        while self.waiting:
            self.let(Fate.ARRIVES)


class Sent(NamedTuple):
    """What the broker answers to a record batch."""

    offset: int


class MemoryProducer:
    """A transactional producer; as aiokafka's, it knows of no transaction after an error."""

    def __init__(
        self, connection: Mapping[str, Any], transactional_id: str, compression: str | None = None
    ) -> None:
        self.line: Line = connection["line"]
        self.broker = self.line.broker
        self.transactional_id = transactional_id
        self.client = self
        self.transaction_error: BaseException | None = None
        self.is_in_transaction = False
        self._epoch = 0
        self._sent: list[asyncio.Task[Sent]] = []

    async def start(self) -> None:
        """End what another one of this id has open."""
        self._epoch = await self.line.request(lambda: self.broker.init_producer(self.transactional_id))

    def close(self) -> None:
        """Send nothing more of what waits in here."""
        for sent in self._sent:
            sent.cancel()

    async def begin_transaction(self) -> None:
        """Begin one; the broker hears of it by the first request."""
        if self.is_in_transaction:
            raise IllegalOperation("a transaction is open")
        self.is_in_transaction = True
        self._sent.clear()

    async def add_group(self, group_id: str) -> None:
        """Begin the transaction at the broker."""
        await self._request(lambda: self.broker.begin(self.transactional_id))

    def add_partitions(self, partitions: Iterable[TopicPartition]) -> None:
        """Do nothing: what is sent adds them."""

    async def send_offsets(
        self,
        offsets: dict[TopicPartition, OffsetAndMetadata],
        group_id: str,
        member: GroupMetadata,
        leader_epochs: Mapping[TopicPartition, int],
    ) -> None:
        """Add offsets, as this member; there is no leader here."""
        assert member.generation >= 0, member
        if offsets:
            await self._request(lambda: self.broker.add_offsets(self.transactional_id, offsets, member))

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Task[Sent]":
        """Send a record batch."""
        raw = MemoryRecords(bytes(batch._build())).next_batch()
        records = [MemoryRecord(0, r.timestamp, r.key, r.value, list(r.headers)) for r in raw]
        tp = TopicPartition(topic, partition)
        sending = self._request(lambda: Sent(self.broker.append(self.transactional_id, tp, records)))
        self._sent.append(asyncio.get_running_loop().create_task(sending))
        self._sent[-1].add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._sent[-1]

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was sent."""
        sent, self._sent = self._sent, []
        for each in sent:
            await each

    async def commit_transaction(self) -> None:
        """Commit it."""
        await self._request(lambda: self.broker.commit(self.transactional_id))
        self.is_in_transaction = False

    async def _request(self, effect: Callable[[], T]) -> T:
        def checked() -> T:
            self.broker.check_epoch(self.transactional_id, self._epoch)
            return effect()

        return await self.line.request(checked)


class MemoryReader:
    """A consumer of no group."""

    def __init__(self, line: Line, *, is_committed: bool) -> None:
        self.line, self._is_committed = line, is_committed
        self.positions: dict[TopicPartition, int] = {}

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        """Read these from their begins."""
        self.positions = dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, position: int) -> None:
        """Read on from there."""
        self.positions[tp] = position

    async def beginning_offsets(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where they begin."""
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where they end, open transactions included."""
        return await self.line.request(lambda: {tp: len(self.line.broker.logs[tp]) for tp in tps})


@asynccontextmanager
async def reader(
    connection: Mapping[str, Any], *, isolation_level: str = "read_committed", fetch_bytes: int = 0
) -> AsyncIterator[MemoryReader]:
    """Give a consumer of no group."""
    yield MemoryReader(connection["line"], is_committed=isolation_level == "read_committed")


async def read_up_to(
    consumer: MemoryReader,
    ends: Mapping[TopicPartition, int],
    most: int,
    on_stalled: Callable[..., Any],
    timeout_seconds: float,
) -> AsyncIterator[tuple[TopicPartition, Iterable[MemoryRecord]]]:
    """Yield what is committed below these offsets, once no open transaction hides any of it."""
    broker, loop = consumer.line.broker, asyncio.get_running_loop()
    held_up = [tp for tp in ends if broker.is_held_up(tp)]
    if held_up:
        await on_stalled(held_up)
    deadline = loop.time() + STALLED_SECONDS
    while any(broker.is_held_up(tp) for tp in ends):
        if loop.time() > deadline:
            raise TimeoutError
        await asyncio.sleep(POLL_SECONDS)
    for tp, end in ends.items():
        yield tp, await consumer.line.request(partial(_below, consumer, tp, end))


def _below(consumer: MemoryReader, tp: TopicPartition, end: int) -> list[MemoryRecord]:
    return [r for r in consumer.line.broker.visible(tp) if consumer.positions[tp] <= r.offset < end]


async def stable_offsets(
    client: MemoryProducer, group: str, tps: Iterable[TopicPartition], timeout_seconds: float
) -> dict[TopicPartition, int]:
    """Return committed offsets, -1 for none; wait so long for transactions that commit some."""
    wanted, loop = list(tps), asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    while await client.line.request(lambda: any(map(client.broker.is_held_up, wanted))):
        if loop.time() > deadline:
            raise UnstableOffsetCommit
        await asyncio.sleep(POLL_SECONDS)
    committed = client.broker.committed
    return {tp: committed[tp].offset if tp in committed else -1 for tp in wanted}


async def last_committers(client: MemoryProducer, group: str, tps: Iterable[TopicPartition]) -> set[str]:
    """Return what the last committers noted."""
    committed = client.broker.committed
    return await client.line.request(
        lambda: {committed[tp].metadata if tp in committed else "" for tp in tps}
    )


async def drop(producer: MemoryProducer) -> None:
    """End a producer with all that it has not sent; what it has open stays open."""
    producer.close()


async def led_partition(producer: MemoryProducer, topic: str, number: int) -> int:
    """Return the partition: each has a leader."""
    return number
