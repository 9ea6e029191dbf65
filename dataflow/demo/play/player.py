"""Player: sends sample events to their topics, once or round and round."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice

from dataflow.catalogue.declared import TOPICS
from dataflow.cli.topic_loader import TopicLoader, loading_producer, topic_loader
from dataflow.demo.play.generated_events import GeneratedEvents
from dataflow.demo.samples import SAMPLE_TOPICS, sample_events
from dataflow.engine.splice import Added, splice
from dataflow.errors import DataflowError

STEPS_A_ROUND = 50  # all streams are played side by side and end together
TICK_SECONDS = 0.2

TIME_TEXTS: Mapping[str, Callable[[datetime], str]] = {
    "cdn-logs": lambda now: f"{now.timestamp():.3f}",
    "expedia": lambda now: f"{now:%Y-%m-%d %H:%M:%S}",
    "raw-web-events": lambda now: f"{now:%Y-%m-%d %H:%M:%S.%f}",
}
"""How the producers of each sample topic write an event time."""


@dataclass(frozen=True, slots=True)
class Player:
    """Plays the samples into a broker."""

    loaders: Mapping[str, TopicLoader]

    async def play_once(self) -> dict[str, int]:
        """Send every sample event once; return how many the broker acknowledged by stream."""
        samples = {stream: sample_events(stream) for stream in self.loaders}
        for step in range(STEPS_A_ROUND):
            for stream, events in samples.items():
                size = -(-len(events) // STEPS_A_ROUND)
                await self.loaders[stream].send(events[step * size : (step + 1) * size])
        return {stream: await self._finish(stream) for stream in self.loaders}

    async def play_on(self, events_a_second: int) -> None:
        """Send the samples round and round at a steady rate, and generated events of the other streams.

        Every event gets the time at which it is sent: else all but the first round would be
        late for its windows.
        """
        loop = asyncio.get_running_loop()
        events, generated = _interleaved(), GeneratedEvents(events_a_second)
        started_at, sent = loop.time(), 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            due = int((loop.time() - started_at) * events_a_second) - sent
            sent += due
            now = datetime.now(UTC)
            lines = generated.lines(due, now)
            played = due - sum(map(len, lines.values()))
            for stream, event in islice(events, played):
                lines.setdefault(stream, []).append(happening(stream, now, event))
            for stream, of_stream in lines.items():
                await self.loaders[stream].send(of_stream)

    async def _finish(self, stream: str) -> int:
        loaded = await self.loaders[stream].finish()
        if not loaded.is_complete:
            raise DataflowError(
                f"{stream} has {loaded.acknowledged:,} of {loaded.lines:,} sample events; "
                f"expected the broker to take all: {'; '.join(loaded.failed[:3])}"
            )
        return loaded.acknowledged


@asynccontextmanager
async def player(
    connection: Mapping[str, object], topics: Iterable[str] = SAMPLE_TOPICS
) -> AsyncIterator[Player]:
    """Give a player for these topics."""
    async with loading_producer(connection) as producer:
        yield Player({topic: await topic_loader(connection, producer, topic) for topic in topics})


def happening(stream: str, now: datetime, event: bytes) -> bytes:
    """Return a sample event as if it happened now; all but its time stays as it is."""
    event_time = TOPICS[stream].event_time
    assert event_time is not None, stream
    return splice(event, Added(**{event_time.column: TIME_TEXTS[stream](now)}))


def _interleaved() -> Iterator[tuple[str, bytes]]:
    """Yield all streams for ever, mixed evenly by their size."""
    mixed = [
        (position / len(events), stream, event)
        for stream in SAMPLE_TOPICS
        for events in [sample_events(stream)]
        for position, event in enumerate(events)
    ]
    mixed.sort(key=lambda place: place[0])
    return cycle([(stream, event) for _, stream, event in mixed])
