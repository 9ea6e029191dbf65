"""The log of a lease: records are appended and read back in the broker's order."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.reading import read_more
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.sources.lease import LeaseRecord, LeaseState

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(LeaseRecord).decode


class LeaseLog:
    """Appends to the log and follows it; made by `open_lease_log`."""

    def __init__(self, tp: TopicPartition, producer: IdempotentProducer, consumer: Consumer) -> None:
        self.tp = tp
        self.state = LeaseState()
        self._producer = producer
        self._consumer = consumer
        self._effects: dict[int, bool] = {}
        self._next = 0

    async def append(self, record: LeaseRecord) -> bool:
        """Append a record; return whether it has had its effect, once all before it is read."""
        stored = await self._producer.send_and_wait(
            self.tp.topic, _encode(record), partition=self.tp.partition
        )
        while self._next <= stored.offset:
            await self.follow(wait_seconds=1.0)
        return self._effects[stored.offset]

    async def follow(self, wait_seconds: float) -> None:
        """Read what is new; wait so long for something to come."""
        records = await read_more(self._consumer, self.tp, wait_seconds)
        self._effects.clear()
        for record in records:
            self._effects[record.offset] = self.state.apply(_decode(record.value or b""), record.timestamp)
            self._next = record.offset + 1


@asynccontextmanager
async def open_lease_log(connection: Mapping[str, object], tp: TopicPartition) -> AsyncIterator[LeaseLog]:
    """Give the log of a partition, for only there is an order; it is read by no group, from its begin."""
    async with (
        running(IdempotentProducer(connection)) as producer,
        reader(connection, isolation_level="read_uncommitted") as consumer,
    ):
        consumer.assign([tp])
        yield LeaseLog(tp, producer, consumer)
