"""Feeding a sink as its runner does: records in, what is committed and dead-lettered out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition
from sinks.sink_records import batches

from dataflow.errors import SinkUnavailable
from dataflow.sinks.contract import Rejection, Sink

T = TypeVar("T")

RETRY_SECONDS = 0.05
PATIENCE_SECONDS = 120


class Feeder:
    """Feeds the records of one partition; it outlives the sinks that it feeds."""

    def __init__(self, tp: TopicPartition, records: Sequence[DefaultRecord]) -> None:
        self.tp = tp
        self.records = records
        self.committed = 0
        self.dead: list[Rejection] = []
        self.failures: list[str] = []

    async def feed(
        self, make: Callable[[], Sink], batch_records: int, crash_after: int | None = None
    ) -> None:
        """Feed a new sink from the committed offset on, and drop it, after so many batches if told."""
        sink = make()
        try:
            await self._persist(sink.open)
            given = batches(self.tp, self.records, batch_records, self.committed)
            held: list[Rejection] = []
            for number, batch in enumerate(given):
                if number == crash_after:
                    return
                stored = await self._persist(partial(sink.write, batch))
                held += stored.rejected
                self.committed = max(self.committed, stored.end)
                self.dead += [one for one in held if one.record.offset < self.committed]
                held = [one for one in held if one.record.offset >= self.committed]
        finally:
            await sink.close()

    async def _persist(self, step: Callable[[], Awaitable[T]]) -> T:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await step()
            except (SinkUnavailable, OSError) as error:
                self.failures.append(str(error))
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
