"""Commits of a sink: offsets, and in the same transaction the dead letters before them."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.engine.dead_letters import RejectedRecord, as_records
from dataflow.kafka.offset_commit import GroupMetadata
from dataflow.kafka.offset_fetch import stable_offsets
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record_batches import RecordBatches
from dataflow.logs import get_log
from dataflow.sinks.runner_note import SinkNote

log = get_log(__name__)

STOP_SECONDS = 5.0
STABLE_SECONDS = 15.0  # longer than a transaction may stay open


class Commits:
    """Commits for one consumer.

    Dead letters and the offset after them are written in one Kafka transaction, fenced by the
    generation of the group: however often a batch is written, each letter is written once.
    Without dead letters it is a plain commit and needs no producer.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        group: str,
        connection: Mapping[str, object],
        compression: str | None,
    ) -> None:
        self._consumer = consumer
        self._group = group
        self._connection = connection
        self._batches = RecordBatches(compression, transactional=True)
        self._compression = compression
        self._transactional_id = f"{group}-{uuid4().hex}"
        self._producer: TransactionalProducer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def commit(
        self, tp: TopicPartition, end: int, note: SinkNote, dead: Sequence[RejectedRecord]
    ) -> None:
        """Commit `end`, with the dead letters below it.

        Raises `CommitFailedError` when the partition is no longer assigned to us, and any
        other `KafkaError` when the result is unknown: call it again.
        """
        offsets = {tp: OffsetAndMetadata(end, note.as_metadata())}
        if not dead:
            await self._consumer.commit(offsets)
            return
        async with self._one_at_a_time:
            try:
                await self._commit_together(tp, offsets, dead)
            except BaseException:
                await self.stop()  # the next producer of that id ends the transaction
                raise

    async def _commit_together(
        self,
        tp: TopicPartition,
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        dead: Sequence[RejectedRecord],
    ) -> None:
        producer = await self._started()
        # An earlier attempt may have succeeded though its answer was lost.
        committed = await stable_offsets(self._consumer._client, self._group, [tp], STABLE_SECONDS)  # noqa: SLF001  # one connection for the group
        if committed[tp] >= offsets[tp].offset:
            return
        partitions = sorted(await producer.partitions_for(DEAD_LETTERS.name))
        await producer.begin_transaction()
        target = partitions[tp.partition % len(partitions)]
        for batch in self._batches.pack(as_records(tp, dead)):
            await (await producer.send_batch(batch, DEAD_LETTERS.name, partition=target))
        await producer.send_offsets(dict(offsets), self._group, self._group_metadata())
        await producer.commit_transaction()

    def _group_metadata(self) -> GroupMetadata:
        coordinator = self._consumer._coordinator  # noqa: SLF001  # aiokafka has no public way
        return GroupMetadata(coordinator.generation, coordinator.member_id, None)

    async def _started(self) -> TransactionalProducer:
        if self._producer is None:
            producer = TransactionalProducer(self._connection, self._transactional_id, self._compression)
            self._producer = producer
            await producer.start()
        return self._producer

    async def stop(self) -> None:
        """Stop the producer, if there is one."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), STOP_SECONDS)
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("Producer of dead letters did not stop in time.", error=error)
