"""Chunk writer: commits lines, dead letters and checkpoints of inputs, a transaction for each chunk.

The transactional id belongs to the stream's partition of `ingested-inputs`. A new producer with
this id aborts open transactions of an older one, and fences it. Checkpoints are read after
that, so they are all that was ever committed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    IllegalOperation,
    InvalidProducerEpoch,
    InvalidTxnState,
    ProducerFenced,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, TopicPartition

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.errors import DataflowError
from dataflow.inputs.input_checkpoints import InputCheckpoints, encode_checkpoint
from dataflow.inputs.lease import RunFenced
from dataflow.inputs.transaction_chunk import TransactionChunk
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import RecordBatches
from dataflow.sources.producing import drop

POLL_MS = 200
FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidTxnState, IllegalOperation)
"""A fenced producer may raise `IllegalOperation` before it learns that it is fenced."""

_NO_HEADERS: Headers = []


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """A chunk as record batches."""

    chunk: TransactionChunk
    good: Sequence[BatchBuilder]
    dead: Sequence[BatchBuilder]
    checkpoints: Sequence[BatchBuilder]


def pack(chunk: TransactionChunk, record_batches: RecordBatches) -> PackedChunk:
    """Pack a chunk; its records are cleared."""
    now_ms = int(time.time() * 1000)
    records, checkpoints = chunk.records, chunk.checkpoints
    rows = [
        (now_ms, key, encode_checkpoint(checkpoint), _NO_HEADERS) for key, checkpoint in checkpoints.items()
    ]
    packed = PackedChunk(
        chunk,
        record_batches.pack(records.good, records.good_bytes),
        record_batches.pack(records.dead, records.dead_bytes),
        record_batches.pack(rows, 512 * len(rows)),
    )
    records.good.clear()
    records.dead.clear()
    return packed


class ChunkWriter:
    """Commits chunks of one stream."""

    def __init__(
        self,
        producer: TransactionalProducer,
        tp: TopicPartition,
        partitions: Mapping[str, Iterator[int]],
        topic: str,
    ) -> None:
        self._producer = producer
        self._tp = tp
        self._partitions = partitions
        self._topic = topic

    async def store(self, packed: PackedChunk) -> None:
        """Commit all of a chunk, or nothing. Raises `RunFenced` and `KafkaError`."""
        if not packed.good and not packed.dead and not packed.checkpoints:
            return
        try:
            await self._producer.begin_transaction()
            stored = [
                *[await self._send(batch, self._topic) for batch in packed.good],
                *[await self._send(batch, DEAD_LETTERS.name) for batch in packed.dead],
                *[await self._send(batch, self._tp) for batch in packed.checkpoints],
            ]
            # One by one: commit_transaction() would not notice a failed batch.
            await asyncio.gather(*stored)
            await self._producer.commit_transaction()
        except FENCED as error:
            raise RunFenced(
                "another run has started, or the broker has waited too long for this one; "
                "expected one run at a time. Run it again to continue after the last commit"
            ) from error

    async def _send(self, batch: BatchBuilder, to: str | TopicPartition) -> "asyncio.Future[object]":
        topic, partition = (to, next(self._partitions[to])) if isinstance(to, str) else to
        stored: asyncio.Future[object] = await self._producer.send_batch(batch, topic, partition=partition)
        # Others may fail, too, after the first error is raised; nobody awaits them then.
        stored.add_done_callback(lambda done: done.cancelled() or done.exception())
        return stored


def _put(checkpoints: InputCheckpoints, record: ConsumerRecord) -> None:
    try:
        checkpoints.put_raw(record.key, record.value)
    except msgspec.DecodeError as error:
        raise DataflowError(
            f"record {record.offset} of {record.topic}, partition {record.partition}, is broken ({error}); "
            "expected a checkpoint that this version of Dataflow can read"
        ) from error


@asynccontextmanager
async def fencing_producer(
    connection: Mapping[str, object], tp: TopicPartition, compression: str | None
) -> AsyncIterator[TransactionalProducer]:
    """Give the only producer that may write checkpoints of this partition; others are fenced."""
    producer = TransactionalProducer(connection, f"{tp.topic}-{tp.partition}", compression)
    await producer.start()
    try:
        yield producer
    finally:
        await drop(producer)


async def read_checkpoints(connection: Mapping[str, object], tp: TopicPartition) -> InputCheckpoints:
    """Return all checkpoints; no transaction may be open. Raises `DataflowError` for a broken one."""
    checkpoints = InputCheckpoints()
    consumer = AIOKafkaConsumer(
        **connection, group_id=None, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    await asyncio.sleep(0)  # aiokafka's stop() fails if its task has not begun
    try:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        # The end may be a control record: only the position passes it.
        while await consumer.position(tp) < end:
            read = await consumer.getmany(tp, timeout_ms=POLL_MS)
            for record in read.get(tp, ()):
                _put(checkpoints, record)
    finally:
        await consumer.stop()
    return checkpoints
