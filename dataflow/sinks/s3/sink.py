"""S3 sink: stores every record in exactly one object of its hour."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from dataflow.errors import SinkUnavailable
from dataflow.kafka.record import Record
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log
from dataflow.private_files import private_folder
from dataflow.settings import Settings
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, convert
from dataflow.sinks.event_time import arrived_ms, compile_reader
from dataflow.sinks.origins import Origins
from dataflow.sinks.s3.block import Block
from dataflow.sinks.s3.cuts import ObjectLine
from dataflow.sinks.s3.object_writer import HOUR_MS, Archive, ObjectWriter
from dataflow.sinks.s3.store import connected

log = get_log(__name__)

LAST_FLUSH_SECONDS = 3.0


@dataclass(slots=True)
class _PartitionBuffer:
    """What is buffered of one partition."""

    flushing: asyncio.Task[None] | None = None
    has_failed: bool = False
    """The last flush failed."""
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_offset: int = 0
    block: Block | None = None


class S3Sink(Sink):
    """Stores topics in a bucket; `cuts` explains why a repeated write changes nothing.

    Incomplete blocks are flushed from time to time: their objects are replaced later by longer
    ones under the same keys. Offsets are committed once the block is complete.
    """

    name = "s3"

    def __init__(self, topics: Collection[str], settings: Settings, archive: Archive) -> None:
        self.topics = topics
        self._settings = settings
        self._archive = archive
        self._readers = {topic: compile_reader(topic) for topic in topics}
        self._buffers: dict[TopicPartition, _PartitionBuffer] = {}
        self._connections = AsyncExitStack()
        self._objects: ObjectWriter | None = None
        self._origins: Origins | None = None

    async def open(self) -> None:
        """Connect; create the bucket and the folder for blocks if they are missing."""
        private_folder(self._archive.folder)
        store = await self._connections.enter_async_context(connected(self._settings))
        self._objects = ObjectWriter(store, self._archive)
        self._origins = Origins(self._objects.first_id)

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Buffer the batch, and store the blocks that it completes."""
        buffer = self._buffer(batch.tp)
        made, rejected = convert(batch.records, partial(self._line_of, batch.tp.topic))
        lines = [line for line in made if line.offset >= buffer.next_offset]  # not buffered yet
        async with buffer.storing:
            if buffer.has_failed:
                # It raises during an outage, so that the runner reports it.
                await self._flush_now(batch.tp, buffer)
            await self._store_complete(batch.tp, buffer)  # from before an outage
            while lines:
                buffer.block = buffer.block or await self._block(batch, lines[0])
                taken = buffer.block.take(lines)
                buffer.next_offset = lines[taken - 1].offset + 1 if taken else buffer.next_offset
                del lines[:taken]
                await self._store_complete(batch.tp, buffer)
            if buffer.block:
                buffer.block.complete_by(batch.end)
                await self._store_complete(batch.tp, buffer)
        return WriteResult(buffer.block.first_offset if buffer.block else batch.end, rejected)

    async def _block(self, batch: SinkBatch, first: ObjectLine) -> Block:
        assert self._origins is not None
        origin = TopicPartition(await self._origins.topic_of(batch), batch.tp.partition)
        return Block(self._archive.rules, first, self._archive.folder, origin)

    async def release(self, tp: TopicPartition) -> None:
        """Forget the buffer of the partition: its records are not committed, so they come again.

        It is flushed first, for a few seconds at most, so that the bucket is up to date after
        a worker is stopped.
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
            buffer.flushing.result()  # raises the error that has ended it
        return buffer

    def _line_of(self, topic: str, record: Record) -> ObjectLine:
        at_ms, _ = self._readers[topic](record)
        raw = self._archive.format.line_of(topic, record, at_ms)
        came_ms = arrived_ms(record)
        hour = (at_ms if self._archive.by_event_time else came_ms) // HOUR_MS
        return ObjectLine(record.offset, came_ms, hour, raw)

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
        buffer.has_failed = False

    async def _flush(self, tp: TopicPartition, buffer: _PartitionBuffer) -> None:
        while True:
            await asyncio.sleep(self._archive.flush_seconds)
            async with buffer.storing:
                try:
                    await self._flush_now(tp, buffer)
                except (SinkUnavailable, OSError) as error:
                    buffer.has_failed = True
                    log.warning("S3 buffer cannot be flushed; retrying.", error=error)
