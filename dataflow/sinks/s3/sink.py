"""S3 sink: record batches in; objects of an hour each out, every record in exactly one of them."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from aiokafka.structs import TopicPartition

from dataflow.errors import InvalidEvent, SinkUnavailable
from dataflow.logs import get_log
from dataflow.sinks.contract import Rejection, Sink, SinkBatch, WriteResult
from dataflow.sinks.event_time import compile_reader
from dataflow.sinks.s3.block import Block
from dataflow.sinks.s3.cuts import ObjectLine
from dataflow.sinks.s3.layout import hour_of
from dataflow.sinks.s3.object_writer import Archive, ObjectWriter
from dataflow.sinks.s3.store import BucketConnection, connected

log = get_log(__name__)

LAST_FLUSH_SECONDS = 3.0


@dataclass(slots=True)
class _PartitionBuffer:
    """What is gathered of one partition."""

    flushing: asyncio.Task[None] | None = None
    away: bool = False
    """The last flush did not get through."""
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_offset: int = 0
    block: Block | None = None


class S3Sink(Sink):
    """Stores topics in a bucket; see `cuts` for why twice is the same as once.

    What a block has that is not complete is put from time to time as well, and later again,
    longer and under the same keys; its offsets wait until the block is complete.
    """

    name = "s3"

    def __init__(self, topics: Collection[str], connection: BucketConnection, archive: Archive) -> None:
        self.topics = topics
        self._connection = connection
        self._archive = archive
        self._readers = {topic: compile_reader(topic) for topic in topics}
        self._buffers: dict[TopicPartition, _PartitionBuffer] = {}
        self._connections = AsyncExitStack()
        self._objects: ObjectWriter | None = None

    async def open(self) -> None:
        """Connect; make the bucket, and the folder for blocks, if they are missing."""
        self._archive.folder.mkdir(parents=True, exist_ok=True)
        store = await self._connections.enter_async_context(connected(self._connection))
        self._objects = ObjectWriter(store, self._archive)

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Gather the batch, and store the blocks that are complete with it."""
        buffer = self._buffer(batch.tp)
        lines, rejected = self._lines(batch, buffer.next_offset)
        async with buffer.storing:
            if buffer.away:
                await self._flush_now(batch.tp, buffer)  # raises, so that the outage is told of
            await self._store_complete(batch.tp, buffer)  # left by an outage
            while lines:
                buffer.block = buffer.block or Block(self._archive.rules, lines[0], self._archive.folder)
                taken = buffer.block.take(lines)
                buffer.next_offset = lines[taken - 1].offset + 1 if taken else buffer.next_offset
                del lines[:taken]
                await self._store_complete(batch.tp, buffer)
            if buffer.block:
                buffer.block.complete_by(batch.end)
                await self._store_complete(batch.tp, buffer)
        return WriteResult(buffer.block.first_offset if buffer.block else batch.end, rejected)

    async def release(self, tp: TopicPartition) -> None:
        """Forget what is gathered of the partition: it is not committed, so it comes again.

        It is flushed, if that is quickly done: who has stopped a worker looks into the bucket.
        """
        buffer = self._buffers.pop(tp, None)
        if buffer is None:
            return
        if buffer.flushing:
            buffer.flushing.cancel()
            await asyncio.wait([buffer.flushing])
        if buffer.block:
            with suppress(SinkUnavailable, OSError, TimeoutError):
                async with asyncio.timeout(LAST_FLUSH_SECONDS):
                    await self._flush_now(tp, buffer)
            buffer.block.discard()

    async def close(self) -> None:
        """Disconnect."""
        for tp in list(self._buffers):
            await self.release(tp)
        await self._connections.aclose()

    def _buffer(self, tp: TopicPartition) -> _PartitionBuffer:
        buffer = self._buffers.get(tp)
        if buffer is None:
            buffer = self._buffers[tp] = _PartitionBuffer()
            buffer.flushing = asyncio.create_task(self._flush(tp, buffer))
        if buffer.flushing and buffer.flushing.done():
            buffer.flushing.result()  # raises the bug that has ended it
        return buffer

    def _lines(self, batch: SinkBatch, next_offset: int) -> tuple[list[ObjectLine], list[Rejection]]:
        """Return what is not gathered yet, and what never will be."""
        lines: list[ObjectLine] = []
        rejected: list[Rejection] = []
        read, line_of = self._readers[batch.tp.topic], self._archive.format.line_of
        for record in batch.records:
            try:
                at_ms, _ = read(record)
                raw = line_of(batch.tp.topic, record, at_ms)
            except InvalidEvent as fault:
                rejected.append(Rejection(record, fault))
                continue
            if record.offset >= next_offset:
                arrived_ms = max(record.timestamp, 0)
                hour = hour_of(at_ms if self._archive.by_event_time else arrived_ms)
                lines.append(ObjectLine(record.offset, arrived_ms, hour, raw))
        return lines, rejected

    async def _store_complete(self, tp: TopicPartition, buffer: _PartitionBuffer) -> None:
        assert self._objects is not None
        block = buffer.block
        if block and block.is_complete:
            await self._objects.complete(tp, block)
            buffer.block = None
            block.discard()

    async def _flush_now(self, tp: TopicPartition, buffer: _PartitionBuffer) -> None:
        assert self._objects is not None
        if buffer.block and not buffer.block.is_complete:
            await self._objects.flush(tp, buffer.block)
        buffer.away = False

    async def _flush(self, tp: TopicPartition, buffer: _PartitionBuffer) -> None:
        while True:
            await asyncio.sleep(self._archive.flush_seconds)
            async with buffer.storing:
                try:
                    await self._flush_now(tp, buffer)
                except (SinkUnavailable, OSError) as error:
                    buffer.away = True
                    log.warning("Buffered records cannot be stored in S3 yet; nothing is lost.", error=error)
