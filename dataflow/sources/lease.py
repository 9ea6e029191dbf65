"""Lease: who holds it, if anybody, as the records of its log say in the broker's order.

Everybody who reads the log comes to the same answer, as the broker's order and the
broker's clock decide, and nothing else.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

import msgspec

from dataflow.errors import UNREADABLE
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.reading import read_more
from dataflow.kafka.record import Record
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

LEASE_MS = 5_000  # a holder of whom nothing is heard for so long has it no more: the worker is dead

BEAT_SECONDS = 1.0


class Action(StrEnum):
    """What a record says."""

    START = "start"
    BEAT = "beat"
    STOP = "stop"


class LeaseRecord(msgspec.Struct, frozen=True):
    """A wish to take the lease or to end it, or a sign of life."""

    action: Action
    holder: str
    """Who says so; of a stop that is asked for from outside: ""."""


_decode = msgspec.json.Decoder(LeaseRecord).decode


class LeaseState:
    """Pure: what is so after the records that were applied."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.heard_ms = 0  # when the holder was heard of last, by the broker's clock
        self._ended: set[str] = set()

    def apply(self, record: LeaseRecord, at_ms: int) -> bool:
        """Take the next record, with the broker's time; return whether it has had its effect."""
        if self.holder and at_ms - self.heard_ms > LEASE_MS:
            self._end()
        match record.action:
            case Action.START:
                return self.holder is None and self._hear(record.holder, at_ms)
            case Action.BEAT:
                return self._beat(record.holder, at_ms)
            case Action.STOP:
                return record.holder in ("", self.holder) and self._end()

    def _beat(self, holder: str, at_ms: int) -> bool:
        # The log is kept for a day: its begin may be the beats of one who began before.
        unknown = self.holder is None and holder not in self._ended
        return (unknown or holder == self.holder) and self._hear(holder, at_ms)

    def _hear(self, holder: str, at_ms: int) -> bool:
        self.holder, self.heard_ms = holder, at_ms
        return True

    def _end(self) -> bool:
        if self.holder is None:
            return False
        self._ended.add(self.holder)
        self.holder = None
        return True


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
            self.tp.topic, msgspec.json.encode(record), partition=self.tp.partition
        )
        while self._next <= stored.offset:
            await self.follow(wait_seconds=1.0)
        return self._effects[stored.offset]

    async def follow(self, wait_seconds: float) -> None:
        """Read what is new; wait so long for something to come."""
        records = await read_more(self._consumer, self.tp, wait_seconds)
        self._effects.clear()
        for record in records:
            self._effects[record.offset] = self.apply(record)
            self._next = record.offset + 1

    def apply(self, record: Record) -> bool:
        """Take the next record; return whether it has had its effect."""
        try:
            return self.state.apply(_decode(record.value or b""), record.timestamp)
        except UNREADABLE as error:  # somebody else's: it must not keep everybody from the lease
            log.warning(
                "Record of a lease cannot be read; it has no effect.",
                topic=self.tp.topic,
                partition=self.tp.partition,
                offset=record.offset,
                reason=error,
            )
            return False


@asynccontextmanager
async def open_lease_log(connection: Mapping[str, object], tp: TopicPartition) -> AsyncIterator[LeaseLog]:
    """Give the log of a partition, for only there is an order; it is read by no group, from its begin."""
    async with (
        running(IdempotentProducer(connection)) as producer,
        reader(connection, isolation_level="read_uncommitted") as consumer,
    ):
        consumer.assign([tp])
        yield LeaseLog(tp, producer, consumer)
