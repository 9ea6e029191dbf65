"""Run: reads the inputs of one stream, and reports what became of every input and line."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from dataflow.catalogue.declared import INGEST_RUNS, INGESTED, INGESTED_INPUTS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.connection import broker_connection
from dataflow.errors import DataflowError
from dataflow.inputs.chunk_writer import ChunkWriter, PackedChunk, pack, read_checkpoints
from dataflow.inputs.input import Input
from dataflow.inputs.input_checkpoints import InputCheckpoints
from dataflow.inputs.input_matcher import InputMatcher
from dataflow.inputs.lease import Lease, hold_lease
from dataflow.inputs.new_lines import LineRules, NewLines
from dataflow.inputs.places import Places
from dataflow.inputs.transaction_chunk import ChunkBuilder
from dataflow.kafka.admin import KnownTopic, find_topics
from dataflow.kafka.record_batches import RecordBatches
from dataflow.kafka.transaction import transactional_producer
from dataflow.kafka.types import TopicPartition
from dataflow.settings import Settings

COMPRESSION = "zstd"  # half a microsecond a line here; less work for the broker


@dataclass(slots=True)
class IngestReport:
    """What a run has stored so far; lines = accepted + dead_lettered."""

    stream: str
    inputs: int = 0
    """How many inputs were listed."""
    inputs_read: int = 0
    """How many inputs had new lines."""
    already_in: int = 0
    lines: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Inputs whose last line is incomplete: it is left for the next run."""
    failed: list[str] = field(default_factory=list)
    """Why an input was not read to its end; a text for each."""
    is_interrupted: bool = False
    seconds: float = 0.0
    stored_bytes: int = 0
    all_bytes: int = 0

    @property
    def is_complete(self) -> bool:
        """Tell whether every input was read."""
        return not self.failed and not self.is_interrupted

    def add(self, packed: PackedChunk) -> None:
        """Count a chunk that was stored."""
        chunk = packed.chunk
        good, dead = (sum(batch.record_count() for batch in some) for some in (packed.good, packed.dead))
        assert chunk.lines == good + dead, (chunk.lines, good, dead)
        self.lines += chunk.lines
        self.accepted += good
        self.dead_lettered += dead
        self.inputs_read += chunk.inputs_read
        self.already_in += chunk.already_in
        self.unfinished += chunk.unfinished
        self.failed += chunk.failed
        self.stored_bytes += chunk.stored_bytes

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self) | {"lines_per_second": round(self.lines / max(self.seconds, 0.001))}


@dataclass(frozen=True, slots=True)
class Run:
    """What to read, and whom to inform."""

    settings: Settings
    stream: str
    places: Sequence[str]
    on_stored: Callable[[IngestReport], None] = lambda _: None
    """Called after each transaction."""
    should_stop: Callable[[], bool] = lambda: False
    """Checked between two transactions."""

    async def ingest(self) -> IngestReport:
        """Read what is new; return once all lines of it are committed.

        Raises `LeaseHeld`, `Fenced`, `DataflowError` for a missing topic, `KafkaError`.
        """
        connection = broker_connection(self.settings)
        number = list(INGESTED).index(self.stream)
        place = TopicPartition(INGESTED_INPUTS.name, number)
        topics = await _topics(connection, INGESTED[self.stream].topic, number + 1)
        async with (
            hold_lease(connection, self.stream, number) as lease,
            transactional_producer(connection, f"{place.topic}-{place.partition}", COMPRESSION) as producer,
        ):
            checkpoints = await read_checkpoints(connection, place)
            partitions = {name: topic.partitions for name, topic in topics.items()}
            writer = ChunkWriter(producer, place, partitions, INGESTED[self.stream].topic)
            places = Places(self.settings)
            builder = ChunkBuilder(self._new_lines(topics, checkpoints, places), checkpoints)
            record_batches = RecordBatches(COMPRESSION, transactional=True)
            record_batches.most_bytes = {name: topic.most_bytes for name, topic in topics.items()}
            return await self._store_all(writer, lease, builder, places, record_batches)

    async def _store_all(
        self,
        writer: ChunkWriter,
        lease: Lease,
        builder: ChunkBuilder,
        places: Places,
        record_batches: RecordBatches,
    ) -> IngestReport:
        began = time.monotonic()
        sources = await asyncio.to_thread(list, places.inputs_at(self.places))
        report = IngestReport(self.stream, len(sources))
        report.all_bytes = sum(source.size for source in sources if isinstance(source, Input))
        topic = INGESTED[self.stream].topic
        chunks = (pack(chunk, record_batches, topic) for chunk in builder.chunks(sources))
        chunk = await asyncio.to_thread(next, chunks, None)
        while chunk is not None and not report.is_interrupted:
            # A thread makes the next chunk meanwhile.
            making = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            try:
                lease.check()
                await writer.store(chunk)
            finally:
                next_chunk = await making
            report.add(chunk)
            report.seconds = round(time.monotonic() - began, 3)
            self.on_stored(report)
            report.is_interrupted = next_chunk is not None and self.should_stop()
            chunk = next_chunk
        return report

    def _new_lines(
        self, topics: Mapping[str, KnownTopic], checkpoints: InputCheckpoints, places: Places
    ) -> NewLines:
        stream, settings = INGESTED[self.stream], self.settings
        rules = LineRules(
            stream,
            topics[stream.topic].most_bytes,
            topics[DEAD_LETTERS.name].most_bytes,
            settings.ingest_structured_fields,
            settings.access_log_format,
            settings.access_log_zone,
            settings.dead_letter_max_ratio,
            settings.dead_letter_ratio_window,
        )
        return NewLines(rules, InputMatcher(checkpoints, places.input_at, may_be_records=stream.is_json))


async def _topics(
    connection: Mapping[str, object], topic: str, fewest_partitions: int
) -> dict[str, KnownTopic]:
    """Return the topics that are written; those about inputs must have a partition for the stream."""
    wanted = (topic, DEAD_LETTERS.name, INGESTED_INPUTS.name, INGEST_RUNS.name)
    topics = await find_topics(connection, wanted)
    for name in wanted:
        if name not in topics:
            raise DataflowError(f"topic {name} is missing; expected `dataflow topics` to have made it")
    for name in (INGESTED_INPUTS.name, INGEST_RUNS.name):
        if topics[name].count < fewest_partitions:
            raise DataflowError(
                f"topic {name} has {topics[name].count} partitions, and is older than this stream; expected "
                f"{fewest_partitions} or more: `dataflow topics --grow` adds them"
            )
    return topics
