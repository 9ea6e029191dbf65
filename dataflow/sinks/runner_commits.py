"""Commits of a sink: offsets, and in the same transaction the dead letters before them."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.engine.dead_letters import RejectedRecord, as_records
from dataflow.kafka.clients import drop, start
from dataflow.kafka.consumers import client_of, group_metadata
from dataflow.kafka.errors import TransactionHeldUp
from dataflow.kafka.generation_commit import commit_in_generation
from dataflow.kafka.leader_epochs import ends_of_epochs
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.offset_fetch import stable_commits
from dataflow.kafka.producers import TransactionalProducer, led_partition
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.topic_ids import topic_ids
from dataflow.kafka.transaction import transaction
from dataflow.kafka.types import Consumer, OffsetAndMetadata, TopicPartition
from dataflow.sinks.configured import RunnerOptions

STABLE_SECONDS = 15.0  # longer than a transaction may stay open


class Commits:
    """Commits for one consumer.

    Dead letters and the offset after them are written in one Kafka transaction, fenced by the
    generation of the group: however often a batch is written, each letter is written once.
    Without dead letters it is a plain commit and needs no producer.
    """

    def __init__(self, consumer: Consumer, group: str, options: RunnerOptions) -> None:
        self.consumer = consumer
        self.group = group
        self._options = options
        self._batches = RecordBatches(options.compression, transactional=True)
        self._transactional_id = _new_id(group)
        self._producer: TransactionalProducer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def committed(self, tp: TopicPartition) -> OffsetAndMetadata:
        """Return the committed offset of a partition, -1 if there is none, and what was noted beside it.

        An open transaction is awaited.
        """
        return (await stable_commits(client_of(self.consumer), self.group, [tp], STABLE_SECONDS))[tp]

    def member(self) -> GroupMetadata:
        """Return which member of the group the consumer is now."""
        return group_metadata(self.consumer)

    async def topic_id(self, topic: str) -> str:
        """Return the id of a topic, which no topic has that is made anew; empty for brokers before 2.8."""
        return (await topic_ids(client_of(self.consumer), [topic])).get(topic, "")

    async def lost_at(self, tp: TopicPartition, offset: int, leader_epoch: int | None) -> int | None:
        """Return where a log ends that has lost some of what was below an offset, up to this epoch.

        -1 if nothing of it can be told from what has come in its place; None if the log has all of it.
        """
        if leader_epoch is not None:
            end = (await ends_of_epochs(client_of(self.consumer), {tp: leader_epoch})).get(tp)
            if end is not None:
                return end if end < offset else None
        ends = await self.consumer.end_offsets([tp])  # an empty log knows no epochs
        return -1 if ends[tp] < offset else None

    async def read_from(self, tp: TopicPartition, offset: int) -> int:
        """Read on at an offset, at the begin of the log for -1; return it."""
        if offset < 0:  # of this partition alone: others may have no leader to ask
            offset = (await self.consumer.beginning_offsets([tp]))[tp]
        self.consumer.seek(tp, offset)
        return int(await self.consumer.position(tp))

    async def commit(
        self,
        member: GroupMetadata,
        tp: TopicPartition,
        noted: OffsetAndMetadata,
        dead: Sequence[RejectedRecord],
    ) -> None:
        """Commit an offset as this member, with the dead letters below it; only `SinkPosition` may call it.

        Raises one of `NO_MEMBER` or `CommitFailedError` when the consumer is another member by now, and any
        other `KafkaError` when the result is unknown: call it again.
        """
        if not dead:
            await commit_in_generation(self.consumer, member, {tp: noted})
            return
        async with self._one_at_a_time:
            try:
                await self._commit_together(member, tp, noted, dead)
            except BaseException as error:
                self._batches.adapt_to(error, DEAD_LETTERS.name)
                await self.stop()  # the next producer of that id ends the transaction
                raise

    async def _commit_together(
        self,
        member: GroupMetadata,
        tp: TopicPartition,
        noted: OffsetAndMetadata,
        dead: Sequence[RejectedRecord],
    ) -> None:
        producer = await self._started()
        # An earlier attempt may have succeeded though its answer was lost.
        if (await self.committed(tp)).offset >= noted.offset:
            return
        target = await led_partition(producer, DEAD_LETTERS.name, tp.partition)
        async with transaction(producer):
            most = self._batches.most_dead_bytes
            for batch in self._batches.pack(as_records(tp, dead, most), accepted_bytes=most):
                await producer.send_batch(batch, DEAD_LETTERS.name, partition=target)
            await producer.acknowledged()
            await producer.send_offsets({tp: noted}, self.group, member)

    async def _started(self) -> TransactionalProducer:
        if self._producer is None:
            self._producer = TransactionalProducer(
                self._options.connection, self._transactional_id, self._options.compression
            )
            try:
                await start(self._producer)
            except TransactionHeldUp:  # how it ends is decided; the next try begins another
                self._transactional_id = _new_id(self.group)
                raise
        return self._producer

    async def stop(self) -> None:
        """Stop the producer, if there is one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await drop(producer)


def _new_id(group: str) -> str:
    return f"{group}-{uuid4().hex}"
