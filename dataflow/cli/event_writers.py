"""Generating: ticks of events in, lines or acknowledged record batches of a topic out, at their pace."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from itertools import repeat
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TextIO, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from dataflow.cli.instants import instant_ms
from dataflow.cli.topic_loader import loading_producer
from dataflow.errors import DataflowError
from dataflow.generators.pace import Tick
from dataflow.kafka.record_batches import Headers, RecordBatches
from dataflow.sources.producing import find_topics

BATCHES_IN_FLIGHT = 16
LINES_A_BATCH = 2_000  # a second at a low rate reaches every partition in turn
SHOW_SECONDS = 1.0
SWITCH_SECONDS = 0.0005  # by default the loop would wait ten times as long for the thread that makes events
_NO_HEADERS: Headers = []

Packed = TypeVar("Packed")


@dataclass(slots=True)
class Generated:
    """What has been generated; what goes to stdout is acknowledged at once."""

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

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self)


class EventWriter(Protocol[Packed]):
    """Where events go."""

    generated: Generated

    def pack(self, times_us: Sequence[int], lines: Sequence[bytes]) -> Packed:
        """Make some events, with their times, ready to be taken; in a thread of its own."""

    async def take(self, packed: Packed) -> None:
        """Take them."""


class LineWriter:
    """Writes lines."""

    def __init__(self, file: BinaryIO) -> None:
        self.generated = Generated()
        self._file = file

    def pack(self, times_us: Sequence[int], lines: Sequence[bytes]) -> tuple[int, bytes]:  # noqa: ARG002  # a `Sink`
        """Return how many lines there are, and all of them."""
        return len(lines), b"\n".join([*lines, b""])

    async def take(self, packed: tuple[int, bytes]) -> None:
        """Write the lines."""
        events, text = packed
        self._file.write(text)
        self._file.flush()
        self.generated.events += events
        self.generated.acknowledged += events


class TopicWriter:
    """Sends events to a topic, each partition in turn; keys are null, timestamps the event times."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: Iterator[int]) -> None:
        self.generated = Generated()
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._batches = RecordBatches("zstd", transactional=False)
        self._in_flight: set[asyncio.Task[None]] = set()

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
        """Send them, each to another partition: the producer has one of each under way.

        Waits only while too many are unanswered.
        """
        for batch in packed:
            stored = await self._producer.send_batch(batch, self._topic, partition=next(self._partitions))
            self.generated.events += batch.record_count()  # not before: Ctrl-C may come while it waits
            answer = asyncio.create_task(self._await_answer(stored, batch.record_count()))
            self._in_flight.add(answer)
            answer.add_done_callback(self._in_flight.discard)
            if len(self._in_flight) >= BATCHES_IN_FLIGHT:
                await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Wait for the last answers."""
        if self._in_flight:
            await asyncio.wait(self._in_flight)

    async def _await_answer(self, stored: "asyncio.Future[object]", events: int) -> None:
        try:
            await stored
        except KafkaError as error:
            self.generated.failed.append(f"{events} events are not stored: {error!r}")
        else:
            self.generated.acknowledged += events


@asynccontextmanager
async def topic_writer(connection: Mapping[str, object], topic: str) -> AsyncIterator[TopicWriter]:
    """Give a sink into a topic; raise `DataflowError` when there is none of that name."""
    known = await find_topics(connection, [topic])
    if topic not in known:
        raise DataflowError(
            f"topic is '{topic}'; expected one that exists; `dataflow topics` makes the declared ones"
        )
    async with loading_producer(connection) as producer:
        yield TopicWriter(producer, topic, known[topic].partitions)


class Progress:
    """Shows how far a run is: one line that is written over, or one line a second where nobody looks."""

    def __init__(self, generated: Generated, file: TextIO) -> None:
        self._generated = generated
        self._file = file
        self._begun = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show(time.monotonic(), "\n")

    def note(self, lag_seconds: float) -> None:
        """Note that a tick is done; show it if a second has gone by."""
        now = time.monotonic()
        self._generated.seconds = round(now - self._begun, 3)
        self._generated.lag_seconds = round(max(lag_seconds, 0.0), 3)
        if now - self._shown >= SHOW_SECONDS:
            self._show(now, "\r" if self._file.isatty() else "\n")

    def _show(self, now: float, end: str) -> None:
        self._shown = now
        done, seconds = self._generated, now - self._begun
        lag = f"  {done.lag_seconds:.1f} s behind" if done.lag_seconds > SHOW_SECONDS else ""
        rate = done.events / max(seconds, 0.001)
        self._file.write(f"{seconds:8.1f} s  {done.events:>14,} events  {rate:>11,.0f} a second{lag:16}{end}")
        self._file.flush()


async def run(
    ticks: Iterator[tuple[Tick, list[bytes]]],
    writer: EventWriter[Packed],
    progress: Progress,
    *,
    is_live: bool,
) -> None:
    """Give every tick to the sink; a live one when its time has come.

    The next tick is made and packed in a thread meanwhile: compressing and sending let go of
    the interpreter.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    packed = ((tick, writer.pack(tick.times_us, lines)) for tick, lines in ticks)
    begun = time.monotonic()
    made = await asyncio.to_thread(next, packed, None)
    while made is not None:
        tick, events = made
        coming = asyncio.create_task(asyncio.to_thread(next, packed, None))
        wait = begun + tick.end_seconds - time.monotonic() if is_live else 0.0
        await asyncio.sleep(max(wait, 0.0))
        await writer.take(events)
        progress.note(-wait)
        made = await coming


def start_of(text: str | None) -> int:
    """Return the first event time in microseconds since 1970 UTC: that instant, or now."""
    return time.time_ns() // 1000 if text is None else instant_ms("--start", text) * 1000
