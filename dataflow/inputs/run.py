"""A run: places and the stream that they belong to in; what became of every input and line out."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from aiokafka.structs import TopicPartition

from dataflow.connection import broker_connection
from dataflow.errors import DataflowError
from dataflow.inputs.input import Input
from dataflow.inputs.loads import Load, Loading
from dataflow.inputs.new_lines import LineRules, NewLines
from dataflow.inputs.places import Places
from dataflow.inputs.recognising import Recogniser
from dataflow.inputs.remembered import Remembered
from dataflow.inputs.storing import Outdated, Packed, Storing, fencing_producer, pack, read_remembered
from dataflow.inputs.turn import Turn, our_turn
from dataflow.kafka.record_batches import RecordBatches
from dataflow.settings import Settings
from dataflow.settings.inputs import INGESTED_STREAMS
from dataflow.sources.producing import KnownTopic, find_topics
from dataflow.sources.received_streams import STREAMS
from dataflow.topics import DEAD_LETTERS, INGEST_RUNS, INGESTED_INPUTS

COMPRESSION = "zstd"  # half a microsecond a line here; the broker has the less to do


@dataclass(slots=True)
class Ingested:
    """What a run has stored so far: lines = accepted + dead_lettered."""

    stream: str
    inputs: int = 0
    """That were found."""
    inputs_read: int = 0
    """That had something new."""
    already_in: int = 0
    lines: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Inputs whose last line has no end yet: it was left for the next run."""
    failed: list[str] = field(default_factory=list)
    """Why an input was not read, or not to its end; a line for each."""
    is_interrupted: bool = False
    seconds: float = 0.0
    stored_bytes: int = 0
    all_bytes: int = 0

    @property
    def is_complete(self) -> bool:
        """Tell whether every input was read."""
        return not self.failed and not self.is_interrupted

    def add(self, packed: Packed) -> None:
        """Count a load that was stored."""
        load = packed.load
        good, dead = (sum(batch.record_count() for batch in some) for some in (packed.good, packed.dead))
        assert load.lines == good + dead, (load.lines, good, dead)
        self.lines += load.lines
        self.accepted += good
        self.dead_lettered += dead
        self.inputs_read += load.inputs_read
        self.already_in += load.already_in
        self.unfinished += load.unfinished
        self.failed += load.failed
        self.stored_bytes += load.stored_bytes

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self) | {"lines_per_second": round(self.lines / max(self.seconds, 0.001))}


@dataclass(frozen=True, slots=True)
class Run:
    """What to read, and what to tell on the way."""

    settings: Settings
    stream: str
    places: Sequence[str]
    stored: Callable[[Ingested], None] = lambda _: None
    """Called after each transaction."""
    should_stop: Callable[[], bool] = lambda: False
    """Asked between two transactions."""

    async def ingest(self) -> Ingested:
        """Read what is new; return when every line of it is committed.

        Raises `TurnOfAnother`, `Outdated`, `DataflowError` for a missing topic, `KafkaError`.
        """
        connection = broker_connection(self.settings)
        number = INGESTED_STREAMS.index(self.stream)
        place = TopicPartition(INGESTED_INPUTS, number)
        topics = await _topics(connection, STREAMS[self.stream].topic)
        async with (
            our_turn(connection, self.stream, number) as turn,
            fencing_producer(connection, place, COMPRESSION) as producer,
        ):
            remembered = await read_remembered(connection, place)
            partitions = {name: topic.partitions for name, topic in topics.items()}
            storing = Storing(producer, place, partitions, STREAMS[self.stream].topic)
            return await self._store_all(storing, turn, topics, remembered)

    async def _store_all(
        self, storing: Storing, turn: Turn, topics: Mapping[str, KnownTopic], remembered: Remembered
    ) -> Ingested:
        began = time.monotonic()
        places = Places(self.settings)
        found = await asyncio.to_thread(list, places.inputs_at(self.places))
        told = Ingested(self.stream, len(found))
        told.all_bytes = sum(source.size for source in found if isinstance(source, Input))
        packed = _packed(Loading(self._new_lines(topics, remembered, places), remembered).loads(found))
        made = await asyncio.to_thread(next, packed, None)
        while made is not None and not told.is_interrupted:
            # The next one is made in a thread meanwhile.
            coming = asyncio.create_task(asyncio.to_thread(next, packed, None))
            try:
                if turn.is_lost:
                    raise Outdated(
                        "broker did not hear of this run for too long; expected it to: run it again"
                    )
                await storing.store(made)
            finally:
                made_next = await coming
            told.add(made)
            told.seconds = round(time.monotonic() - began, 3)
            self.stored(told)
            told.is_interrupted = made_next is not None and self.should_stop()
            made = made_next
        return told

    def _new_lines(
        self, topics: Mapping[str, KnownTopic], remembered: Remembered, places: Places
    ) -> NewLines:
        stream, chosen = STREAMS[self.stream], self.settings
        rules = LineRules(
            stream,
            topics[stream.topic].most_bytes,
            topics[DEAD_LETTERS].most_bytes,
            chosen.ingest_structured_fields if stream.is_datastream else (),
            chosen.dead_letter_max_ratio,
            chosen.dead_letter_ratio_window,
        )
        return NewLines(rules, Recogniser(remembered, places.input_at, may_be_avro=stream.is_json))


def _packed(loads: Iterator[Load]) -> Iterator[Packed]:
    record_batches = RecordBatches(COMPRESSION, transactional=True)
    return (pack(load, record_batches) for load in loads)


async def _topics(connection: Mapping[str, object], topic: str) -> dict[str, KnownTopic]:
    wanted = (topic, DEAD_LETTERS, INGESTED_INPUTS, INGEST_RUNS)
    found = await find_topics(connection, wanted)
    for name in wanted:
        if name not in found:
            raise DataflowError(f"topic {name} is missing; expected `dataflow topics` to have made it")
    return found
