"""S3 sink: record batches in; objects of an hour each out, every record in exactly one of them."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from aiokafka.structs import TopicPartition

from dataflow.errors import InvalidEvent, SinkUnavailable
from dataflow.sinks.contract import Rejected, Sink, SinkBatch, Stored
from dataflow.sinks.event_time import compile_reader
from dataflow.sinks.s3.block import Block
from dataflow.sinks.s3.cuts import Line
from dataflow.sinks.s3.layout import hour_of
from dataflow.sinks.s3.objects import Archive, Objects
from dataflow.sinks.s3.store import Connection, connected

log = logging.getLogger(__name__)

LAST_FLUSH_SECONDS = 3.0


@dataclass(slots=True)
class _Gathering:
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

    def __init__(self, topics: Collection[str], connection: Connection, archive: Archive) -> None:
        self.topics = topics
        self._connection = connection
        self._archive = archive
        self._readers = {topic: compile_reader(topic) for topic in topics}
        self._gatherings: dict[TopicPartition, _Gathering] = {}
        self._connections = AsyncExitStack()
        self._objects: Objects | None = None

    async def open(self) -> None:
        """Connect; make the bucket, and the folder for blocks, if they are missing."""
        self._archive.folder.mkdir(parents=True, exist_ok=True)
        store = await self._connections.enter_async_context(connected(self._connection))
        self._objects = Objects(store, self._archive)

    async def write(self, batch: SinkBatch) -> Stored:
        """Gather the batch, and store the blocks that are complete with it."""
        gathering = self._gathering(batch.tp)
        lines, rejected = self._lines(batch, gathering.next_offset)
        async with gathering.storing:
            if gathering.away:
                await self._flush_now(batch.tp, gathering)  # raises, so that the outage is told of
            await self._store_complete(batch.tp, gathering)  # left by an outage
            while lines:
                gathering.block = gathering.block or Block(
                    self._archive.rules, lines[0], self._archive.folder
                )
                taken = gathering.block.take(lines)
                gathering.next_offset = lines[taken - 1].offset + 1 if taken else gathering.next_offset
                del lines[:taken]
                await self._store_complete(batch.tp, gathering)
            if gathering.block:
                gathering.block.complete_by(batch.end)
                await self._store_complete(batch.tp, gathering)
        return Stored(gathering.block.first_offset if gathering.block else batch.end, rejected)

    async def release(self, tp: TopicPartition) -> None:
        """Forget what is gathered of the partition: it is not committed, so it comes again.

        It is flushed, if that is quickly done: who has stopped a worker looks into the bucket.
        """
        gathering = self._gatherings.pop(tp, None)
        if gathering is None:
            return
        if gathering.flushing:
            gathering.flushing.cancel()
            await asyncio.wait([gathering.flushing])
        if gathering.block:
            with suppress(SinkUnavailable, OSError, TimeoutError):
                async with asyncio.timeout(LAST_FLUSH_SECONDS):
                    await self._flush_now(tp, gathering)
            gathering.block.discard()

    async def close(self) -> None:
        """Disconnect."""
        for tp in list(self._gatherings):
            await self.release(tp)
        await self._connections.aclose()

    def _gathering(self, tp: TopicPartition) -> _Gathering:
        gathering = self._gatherings.get(tp)
        if gathering is None:
            gathering = self._gatherings[tp] = _Gathering()
            gathering.flushing = asyncio.create_task(self._flush(tp, gathering))
        if gathering.flushing and gathering.flushing.done():
            gathering.flushing.result()  # raises the bug that has ended it
        return gathering

    def _lines(self, batch: SinkBatch, next_offset: int) -> tuple[list[Line], list[Rejected]]:
        """Return what is not gathered yet, and what never will be."""
        lines: list[Line] = []
        rejected: list[Rejected] = []
        read, line_of = self._readers[batch.tp.topic], self._archive.format.line_of
        for record in batch.records:
            try:
                at_ms, _ = read(record)
                raw = line_of(batch.tp.topic, record, at_ms)
            except InvalidEvent as fault:
                rejected.append(Rejected(record, fault))
                continue
            if record.offset >= next_offset:
                arrived_ms = max(record.timestamp, 0)
                hour = hour_of(at_ms if self._archive.by_event_time else arrived_ms)
                lines.append(Line(record.offset, arrived_ms, hour, raw))
        return lines, rejected

    async def _store_complete(self, tp: TopicPartition, gathering: _Gathering) -> None:
        assert self._objects is not None
        block = gathering.block
        if block and block.is_complete:
            await self._objects.complete(tp, block)
            gathering.block = None
            block.discard()

    async def _flush_now(self, tp: TopicPartition, gathering: _Gathering) -> None:
        assert self._objects is not None
        if gathering.block and not gathering.block.is_complete:
            await self._objects.flush(tp, gathering.block)
        gathering.away = False

    async def _flush(self, tp: TopicPartition, gathering: _Gathering) -> None:
        while True:
            await asyncio.sleep(self._archive.flush_seconds)
            async with gathering.storing:
                try:
                    await self._flush_now(tp, gathering)
                except (SinkUnavailable, OSError) as error:
                    gathering.away = True
                    log.warning(
                        "What waits for S3 cannot be flushed yet; nothing is lost.",
                        extra={"error": str(error)},
                    )
