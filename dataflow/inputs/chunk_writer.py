"""Storing: loads in; their lines, their dead letters and the memory of them, in one transaction each, out.

The transactional id is that of the stream's partition of `ingested-inputs`. Whoever starts a
producer with it ends what another has under way, and the other can write nothing more. What
is remembered is read after that: it is all that was ever committed.
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
from dataflow.kafka.record_batches import Headers, RecordBatches
from dataflow.sources.producing import drop

POLL_MS = 200
FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidTxnState, IllegalOperation)
"""A fenced producer may refuse to go on before it says that it is fenced."""

_NO_HEADERS: Headers = []


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """A load as record batches."""

    chunk: TransactionChunk
    good: Sequence[BatchBuilder]
    dead: Sequence[BatchBuilder]
    checkpoints: Sequence[BatchBuilder]


def pack(chunk: TransactionChunk, record_batches: RecordBatches) -> PackedChunk:
    """Pack a load; the records themselves are given up."""
    now_ms = int(time.time() * 1000)
    records, checkpoints = chunk.records, chunk.checkpoints
    noted = [
        (now_ms, key, encode_checkpoint(checkpoint), _NO_HEADERS) for key, checkpoint in checkpoints.items()
    ]
    packed = PackedChunk(
        chunk,
        record_batches.pack(records.good, records.good_bytes),
        record_batches.pack(records.dead, records.dead_bytes),
        record_batches.pack(noted, 512 * len(noted)),
    )
    records.good.clear()
    records.dead.clear()
    return packed


class ChunkWriter:
    """Writes loads of one stream."""

    def __init__(
        self,
        producer: TransactionalProducer,
        place: TopicPartition,
        partitions: Mapping[str, Iterator[int]],
        topic: str,
    ) -> None:
        self._producer = producer
        self._place = place
        self._partitions = partitions
        self._topic = topic

    async def store(self, packed: PackedChunk) -> None:
        """Commit all of a load, or nothing. Raises `RunFenced`, and `KafkaError`."""
        if not packed.good and not packed.dead and not packed.checkpoints:
            return
        try:
            await self._producer.begin_transaction()
            stored = [
                *[await self._send(batch, self._topic) for batch in packed.good],
                *[await self._send(batch, DEAD_LETTERS.name) for batch in packed.dead],
                *[await self._send(batch, self._place) for batch in packed.checkpoints],
            ]
            # Each by itself: commit_transaction() would not notice one that failed.
            await asyncio.gather(*stored)
            await self._producer.commit_transaction()
        except FENCED as error:
            raise RunFenced(
                "another run has begun meanwhile, or the broker has waited too long for this one; "
                "expected one at a time. What was stored is remembered: run it again to go on"
            ) from error

    async def _send(self, batch: BatchBuilder, to: str | TopicPartition) -> "asyncio.Future[object]":
        topic, partition = (to, next(self._partitions[to])) if isinstance(to, str) else to
        stored: asyncio.Future[object] = await self._producer.send_batch(batch, topic, partition=partition)
        # It may fail with nobody waiting: the first error is the one told.
        stored.add_done_callback(lambda done: done.cancelled() or done.exception())
        return stored


def _take(checkpoints: InputCheckpoints, record: ConsumerRecord) -> None:
    try:
        checkpoints.put_raw(record.key, record.value)
    except msgspec.DecodeError as error:
        raise DataflowError(
            f"record {record.offset} of {record.topic}, partition {record.partition}, is broken ({error}); "
            "expected an input as this version of Dataflow remembers it"
        ) from error


@asynccontextmanager
async def fencing_producer(
    connection: Mapping[str, object], place: TopicPartition, compression: str | None
) -> AsyncIterator[TransactionalProducer]:
    """Give the one producer that may write what is remembered at this place; others are fenced."""
    producer = TransactionalProducer(connection, f"{place.topic}-{place.partition}", compression)
    await producer.start()
    try:
        yield producer
    finally:
        await drop(producer)


async def read_checkpoints(connection: Mapping[str, object], place: TopicPartition) -> InputCheckpoints:
    """Return what is remembered; no transaction may be open there. Raises `DataflowError` for junk."""
    checkpoints = InputCheckpoints()
    consumer = AIOKafkaConsumer(
        **connection, group_id=None, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    await asyncio.sleep(0)  # aiokafka's stop() fails if its task has not begun
    try:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        await consumer.seek_to_beginning(place)
        # The end may be a control record: only the position passes it.
        while await consumer.position(place) < end:
            read = await consumer.getmany(place, timeout_ms=POLL_MS)
            for record in read.get(place, ()):
                _take(checkpoints, record)
    finally:
        await consumer.stop()
    return checkpoints
