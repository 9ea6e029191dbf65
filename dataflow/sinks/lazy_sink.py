"""Lazy sink: opens a sink before its first batch."""

import asyncio

from dataflow.kafka.types import TopicPartition
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult


class LazySink(Sink):
    """Opens a sink before its first batch; an outage at start is handled like any other."""

    def __init__(self, sink: Sink) -> None:
        self.name, self.topics = sink.name, sink.topics
        self._sink = sink
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Open the sink, once."""
        async with self._opening:
            if not self._is_open:
                await self._sink.open()
                self._is_open = True

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store the batch in the open sink."""
        await self.open()
        return await self._sink.write(batch)

    async def release(self, tp: TopicPartition) -> None:
        """Release the partition of the sink."""
        await self._sink.release(tp)

    async def close(self) -> None:
        """Close the sink, also if opening it has failed halfway."""
        await self._sink.close()
