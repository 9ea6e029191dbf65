"""Chunk writer: commits lines, dead letters and checkpoints of inputs, a transaction for each chunk.

The transactional id belongs to the stream's partition of `ingested-inputs`. A new producer with
this id aborts open transactions of an older one, and fences it. Checkpoints are read after
that, so they are all that was ever committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.errors import UNREADABLE, DataflowError
from dataflow.inputs.input_checkpoints import InputCheckpoints, encode_checkpoint
from dataflow.inputs.transaction_chunk import TransactionChunk
from dataflow.instants import now_ms
from dataflow.kafka.consumers import reader
from dataflow.kafka.errors import Fenced
from dataflow.kafka.producers import TransactionalProducer, next_led
from dataflow.kafka.reading import read_to_end
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.transaction import transaction
from dataflow.kafka.types import BatchBuilder, TopicPartition

_NO_HEADERS: Headers = []


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """A chunk as record batches."""

    chunk: TransactionChunk
    good: Sequence[BatchBuilder]
    dead: Sequence[BatchBuilder]
    checkpoints: Sequence[BatchBuilder]


def pack(chunk: TransactionChunk, record_batches: RecordBatches, topic: str) -> PackedChunk:
    """Pack a chunk whose lines go to this topic; its records are cleared."""
    at_ms = now_ms()
    records, checkpoints = chunk.records, chunk.checkpoints
    rows = [
        (at_ms, key, encode_checkpoint(checkpoint), _NO_HEADERS) for key, checkpoint in checkpoints.items()
    ]
    packed = PackedChunk(
        chunk,
        record_batches.pack_for(topic, records.good, records.good_bytes),
        record_batches.pack_for(DEAD_LETTERS.name, records.dead, records.dead_bytes),
        record_batches.pack(rows, 512 * len(rows)),
    )
    records.good.clear()
    records.dead.clear()
    return packed


@dataclass(frozen=True, slots=True)
class ChunkWriter:
    """Commits chunks of one stream."""

    producer: TransactionalProducer
    tp: TopicPartition
    partitions: Mapping[str, Iterator[int]]
    topic: str

    async def store(self, packed: PackedChunk) -> None:
        """Commit all of a chunk, or nothing. Raises `Fenced` and `KafkaError`."""
        if not packed.good and not packed.dead and not packed.checkpoints:
            return
        try:
            async with transaction(self.producer):
                for batch in packed.good:
                    await self._send(batch, self.topic)
                for batch in packed.dead:
                    await self._send(batch, DEAD_LETTERS.name)
                for batch in packed.checkpoints:
                    await self.producer.send_batch(batch, self.tp.topic, partition=self.tp.partition)
        except Fenced as error:
            raise Fenced(
                "another run has started, or the broker has waited too long for this one; "
                "expected one run at a time. Run it again to continue after the last commit"
            ) from error

    async def _send(self, batch: BatchBuilder, topic: str) -> None:
        await self.producer.send_batch(
            batch, topic, partition=await next_led(self.producer, topic, self.partitions[topic])
        )


async def read_checkpoints(connection: Mapping[str, object], tp: TopicPartition) -> InputCheckpoints:
    """Return all checkpoints; no transaction may be open. Raises `DataflowError` for a broken one."""
    checkpoints = InputCheckpoints()
    async with reader(connection) as consumer:
        consumer.assign([tp])
        async for _, records in read_to_end(consumer, [tp]):
            for record in records:
                try:
                    checkpoints.put_raw(record.key or b"", record.value)
                except UNREADABLE as error:
                    raise DataflowError(
                        f"record {record.offset} of {tp.topic}, partition {tp.partition}, is broken "
                        f"({error}); expected a checkpoint that this version of Dataflow can read"
                    ) from error
    return checkpoints
