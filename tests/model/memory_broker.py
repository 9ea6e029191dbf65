"""A Kafka in memory: logs, transactions, one consumer group; as exact as the protocol, and no more.

What it knows of Kafka is what exactly-once rests on: records of a transaction are seen when it is committed,
with its offsets; a newer producer of a transactional id ends the transaction of the older one, and fences it;
offsets are refused of who is no member of the present generation.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.errors import IllegalGenerationError, ProducerFenced, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.kafka.offset_commit import GroupMetadata

TRANSACTION_SECONDS = 10.0


class MemoryRecord(NamedTuple):
    """A record as a reader sees it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass
class Written:
    """A record, and what has become of its transaction."""

    record: MemoryRecord
    is_visible: bool = False


@dataclass
class Transaction:
    """What one producer has under way."""

    began_at: float
    written: list[Written] = field(default_factory=list)
    places: set[TopicPartition] = field(default_factory=set)
    offsets: dict[TopicPartition, OffsetAndMetadata] = field(default_factory=dict)


class MemoryBroker:
    """All of the cluster that workers share."""

    def __init__(self) -> None:
        self.logs: defaultdict[TopicPartition, list[Written]] = defaultdict(list)
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self.generation = 0
        self.members: set[str] = set()
        self._epochs: defaultdict[str, int] = defaultdict(int)
        self._open: dict[str, Transaction] = {}

    # -- transactions

    def init_producer(self, transactional_id: str) -> int:
        """End what this id has open, and fence who had it; return the new epoch."""
        self._end(transactional_id, commit=False)
        self._epochs[transactional_id] += 1
        return self._epochs[transactional_id]

    def check_epoch(self, transactional_id: str, epoch: int) -> None:
        """Raise `ProducerFenced` for a producer that is not the newest."""
        self.expire()
        if self._epochs[transactional_id] != epoch:
            raise ProducerFenced

    def begin(self, transactional_id: str) -> Transaction:
        """Return the open transaction of this id; a new one if there is none."""
        now = asyncio.get_running_loop().time()
        return self._open.setdefault(transactional_id, Transaction(now))

    def append(self, transactional_id: str, tp: TopicPartition, records: list[MemoryRecord]) -> int:
        """Write records of a transaction; return the offset of the first."""
        first, transaction = len(self.logs[tp]), self.begin(transactional_id)
        written = [Written(r._replace(offset=first + n)) for n, r in enumerate(records)]
        self.logs[tp] += written
        transaction.written += written
        transaction.places.add(tp)
        return first

    def add_offsets(
        self, transactional_id: str, offsets: dict[TopicPartition, OffsetAndMetadata], member: GroupMetadata
    ) -> None:
        """Commit these offsets with the transaction; refuse who is no member now (KIP-447)."""
        if member.member_id not in self.members:
            raise UnknownMemberIdError
        if member.generation != self.generation:
            raise IllegalGenerationError
        self.begin(transactional_id).offsets |= offsets

    def commit(self, transactional_id: str) -> None:
        """Let readers see all of a transaction at once."""
        self._end(transactional_id, commit=True)

    def expire(self) -> None:
        """End transactions that have taken too long, and fence their producers."""
        now = asyncio.get_event_loop().time()
        for transactional_id, transaction in list(self._open.items()):
            if now - transaction.began_at > TRANSACTION_SECONDS:
                self.init_producer(transactional_id)

    def _end(self, transactional_id: str, *, commit: bool) -> None:
        transaction = self._open.pop(transactional_id, None)
        if transaction is not None and commit:
            for written in transaction.written:
                written.is_visible = True
            self.committed |= transaction.offsets

    # -- readers

    def is_held_up(self, tp: TopicPartition) -> bool:
        """Tell whether an open transaction has written to a partition, or commits an offset of it."""
        self.expire()
        return any(tp in t.places or tp in t.offsets for t in self._open.values())

    def visible(self, tp: TopicPartition) -> list[MemoryRecord]:
        """Return what a read_committed reader sees, once all transactions have ended."""
        return [written.record for written in self.logs[tp] if written.is_visible]

    def produce(self, tp: TopicPartition, value: bytes, timestamp: int) -> None:
        """Write one record that is seen at once."""
        self.logs[tp].append(Written(MemoryRecord(len(self.logs[tp]), timestamp, b"k", value, []), True))
