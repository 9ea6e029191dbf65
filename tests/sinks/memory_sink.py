"""A sink that keeps everything in memory, and can be told to fail."""

from collections import defaultdict

from aiokafka.structs import TopicPartition

from dataflow.errors import SinkUnavailable
from dataflow.sinks.contract import Sink, SinkBatch, WriteResult, rejection


class MemorySink(Sink):
    """Keeps records by origin; `away` makes it fail, `refuses` are the values that it does not take."""

    def __init__(self, topic: str, name: str = "memory", refuses: tuple[bytes, ...] = ()) -> None:
        self.name, self.topics = name, (topic,)
        self.refuses = refuses
        self.away: str | None = None
        self.kept: dict[tuple[int, int], bytes | None] = {}
        self.calls: list[str] = []
        self.batches: dict[int, list[int]] = defaultdict(list)

    async def open(self) -> None:
        """Note it; fail while away."""
        self.calls.append("open")
        self._fail()

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Keep what is not refused."""
        self._fail()
        self.calls.append("write")
        self.batches[batch.tp.partition].append(len(batch.records))
        bad = [record for record in batch.records if record.value in self.refuses]
        self.kept |= {
            (batch.tp.partition, record.offset): record.value for record in batch.records if record not in bad
        }
        return batch.stored([rejection(record, "is not to my taste") for record in bad])

    async def release(self, tp: TopicPartition) -> None:
        """Note it."""
        self.calls.append("release")

    async def close(self) -> None:
        """Note it."""
        self.calls.append("close")

    def _fail(self) -> None:
        if self.away:
            raise SinkUnavailable(self.away)


class GatheringSink(MemorySink):
    """Stores in blocks of four, and answers how far the last full one goes."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.waiting: list[bytes | None] = []
        self.stored = 0

    async def write(self, batch: SinkBatch) -> WriteResult:
        """Store what is full."""
        self.waiting += [record.value for record in batch.records]
        self.stored += len(self.waiting) // 4 * 4
        self.waiting = self.waiting[len(self.waiting) // 4 * 4 :]
        return WriteResult(self.stored, [rejection(r, "no") for r in batch.records if r.value == b"poison"])
