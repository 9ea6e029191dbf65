"""Event writers: write generated events as lines, or as record batches into a topic."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import BinaryIO, Protocol, TypeVar

from dataflow.cli.topic_loader import BatchSender, loading_producer
from dataflow.errors import missing_topic
from dataflow.kafka.admin import find_topics
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.types import BatchBuilder
from dataflow.topics import existing_topics

LINES_A_BATCH = 2_000  # a second at a low rate reaches every partition in turn
_NO_HEADERS: Headers = []

Packed = TypeVar("Packed")


@dataclass(slots=True)
class GenerationReport:
    """What was generated; what goes to stdout is acknowledged at once."""

    events: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    lag_seconds: float = 0.0
    """How much later than its event time the last tick came; 0 in a history."""
    failed: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Tell whether the broker has it all."""
        return self.acknowledged == self.events


class EventWriter(Protocol[Packed]):
    """Where events go."""

    report: GenerationReport

    def pack(self, times_us: Sequence[int], lines: Sequence[bytes]) -> Packed:
        """Make some events, with their times, ready to be taken; in a thread of its own."""

    async def take(self, packed: Packed) -> None:
        """Take them."""


class LineWriter:
    """Writes lines."""

    def __init__(self, file: BinaryIO) -> None:
        self.report = GenerationReport()
        self._file = file

    def pack(self, times_us: Sequence[int], lines: Sequence[bytes]) -> tuple[int, bytes]:  # noqa: ARG002  # a `Sink`
        """Return how many lines there are, and all of them."""
        return len(lines), b"\n".join([*lines, b""])

    async def take(self, packed: tuple[int, bytes]) -> None:
        """Write the lines."""
        events, text = packed
        self._file.write(text)
        self._file.flush()
        self.report.events += events
        self.report.acknowledged += events


class TopicWriter:
    """Sends events to a topic, each partition in turn; keys are null, timestamps the event times."""

    def __init__(self, producer: IdempotentProducer, topic: str, partitions: Iterator[int]) -> None:
        self.report = GenerationReport()
        self._sender = BatchSender(producer, topic, partitions, self.report)
        self._batches = RecordBatches("zstd", transactional=False)

    def pack(self, times_us: Sequence[int], lines: Sequence[bytes]) -> list[BatchBuilder]:
        """Return record batches of some thousand events each."""
        packed: list[BatchBuilder] = []
        for at in range(0, len(lines), LINES_A_BATCH):
            part = lines[at : at + LINES_A_BATCH]
            times_ms = (time_us // 1000 for time_us in times_us[at : at + LINES_A_BATCH])
            records = zip(times_ms, repeat(None), part, repeat(_NO_HEADERS), strict=False)
            packed += self._batches.pack(records, sum(map(len, part)))
        return packed

    async def take(self, packed: list[BatchBuilder]) -> None:
        """Send the batches; wait only while too many are unanswered."""
        for batch in packed:
            await self._sender.send(batch, f"{batch.record_count()} events")
            self.report.events += batch.record_count()  # not before: Ctrl-C cancels what waits

    async def finish(self) -> None:
        """Wait for the last answers."""
        await self._sender.finish()


@asynccontextmanager
async def topic_writer(connection: Mapping[str, object], topic: str) -> AsyncIterator[TopicWriter]:
    """Give a sink into a topic; raise `DataflowError` when there is none of that name."""
    topics = await find_topics(connection, [topic])
    if topic not in topics:
        raise missing_topic(topic, await existing_topics(connection))
    async with loading_producer(connection) as producer:
        yield TopicWriter(producer, topic, topics[topic].partitions)
