"""A lease's log: records in, what they have changed, read back in the broker's order, out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from dataflow.sources.lease import LeaseRecord, LeaseState

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(LeaseRecord).decode


class LeaseLog:
    """Appends to the log and follows it; made by `open_lease_log`."""

    def __init__(self, tp: TopicPartition, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
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
        read = await self._consumer.getmany(timeout_ms=int(wait_seconds * 1000))
        self._effects.clear()
        for record in read.get(self.tp, ()):
            self._effects[record.offset] = self.state.apply(_decode(record.value), record.timestamp)
            self._next = record.offset + 1


@asynccontextmanager
async def open_lease_log(connection: Mapping[str, object], tp: TopicPartition) -> AsyncIterator[LeaseLog]:
    """Give the log of a partition, for only there is an order; it is read by no group, from its begin."""
    producer = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True, request_timeout_ms=10_000)
    consumer = AIOKafkaConsumer(
        **connection, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    consumer.assign([tp])
    try:
        await producer.start()
        await consumer.start()
        yield LeaseLog(tp, producer, consumer)
    finally:
        await consumer.stop()
        await producer.stop()
