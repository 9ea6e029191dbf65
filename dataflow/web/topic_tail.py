"""Topic tail: the newest records of a topic as they come, read once for all who look at it.

Of a topic that gets more than pages can show, only the newest are read: the cost has a bound, whatever comes.
Whoever takes them too slowly misses some, and is told how many; nobody is waited for.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final

import msgspec

from dataflow.errors import DataflowError
from dataflow.http_error import OWN_FAULT, overloaded
from dataflow.kafka.clients import backoff
from dataflow.kafka.consumers import client_of, reader, stable_end
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.fetch import drain
from dataflow.kafka.topic_states import TopicState, topic_states
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.logs import get_log
from dataflow.topics import existing_topics
from dataflow.web.event_view import view_of

log = get_log(__name__)

MOST_LISTENERS: Final = 100
"""Of one worker, to all topics together."""
RECENT: Final = 100
"""So many events are told to who begins to listen."""
MOST_BUFFERED: Final = 200
"""So many wait for one listener, encoded."""
MOST_EVENTS: Final = 25
MOST_BYTES: Final = 128 << 10
"""Of one round."""
ROUND_SECONDS: Final = 0.25
WAIT_SECONDS: Final = 1.0
FETCH_BYTES: Final = 64 << 10
LEADERS_SECONDS: Final = 2.0
"""Between two looks at which partitions have a leader."""


class TailListener:
    """One who looks at a topic: the events that wait for it, encoded, and how many it will not see."""

    def __init__(self, events: Sequence[bytes], leaderless: Sequence[int] = ()) -> None:
        self.news = asyncio.Event()
        self.fault = ""
        """Why nothing comes."""
        self.leaderless = leaderless
        """Partitions of which nothing comes, as they have no leader."""
        self.is_told_leaderless = not leaderless
        self._buffered = deque(events, MOST_BUFFERED)
        self._skipped = 0

    def put(self, events: Sequence[bytes], skipped: int, fault: str = "") -> None:
        """Have events wait; those that have waited longest make room."""
        if events or skipped or fault != self.fault:
            self._skipped += skipped + max(len(self._buffered) + len(events) - MOST_BUFFERED, 0)
            self._buffered.extend(events)
            self.fault = fault
            self.news.set()

    def lack(self, leaderless: Sequence[int]) -> None:
        """Note which partitions have no leader now."""
        self.leaderless, self.is_told_leaderless = leaderless, False
        self.news.set()

    def take(self) -> tuple[list[bytes], int]:
        """Return what has waited, and how many events were left out."""
        self.news.clear()
        taken, skipped = list(self._buffered), self._skipped
        self._buffered.clear()
        self._skipped = 0
        return taken, skipped


class TopicTail:
    """Reads one topic while anybody looks at it."""

    def __init__(self, connection: Mapping[str, object], topic: str) -> None:
        self.topic = topic
        self.listeners = set[TailListener]()
        self._connection = connection
        self._recent = deque[bytes](maxlen=RECENT)
        self._leaderless: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> TailListener:
        """Return a new listener, which knows the newest events."""
        listener = TailListener(self._recent, self._leaderless)
        listener.news.set()
        self.listeners.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return listener

    def end(self, listener: TailListener) -> None:
        """Forget a listener; after the last one nothing is read."""
        self.listeners.discard(listener)
        if not self.listeners and self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        for pause in backoff():
            try:
                await self._follow()
            except (KafkaError, DataflowError, OSError, TimeoutError) as error:
                log.info("Topic cannot be followed; trying again.", topic=self.topic, error=error)
                self._tell([], 0, str(error) or type(error).__name__)
            except Exception:  # the outermost edge: pages must see that nothing comes
                log.exception("Topic cannot be shown; trying again.", topic=self.topic)
                self._tell([], 0, OWN_FAULT)
            await asyncio.sleep(pause)

    async def _follow(self) -> None:
        self._recent.clear()
        async with reader(self._connection, fetch_bytes=FETCH_BYTES) as consumer:
            partitions, look_at = list[TopicPartition](), -LEADERS_SECONDS
            while True:
                if monotonic() >= look_at:
                    look_at = monotonic() + LEADERS_SECONDS
                    led = await self._led(consumer)
                    if led != partitions:
                        await self._assign(consumer, led, partitions)
                        partitions = led
                if partitions:
                    await self._read(consumer, partitions)
                await asyncio.sleep(ROUND_SECONDS)
                self._tell([], await self._skip(consumer, partitions))

    async def _led(self, consumer: Consumer) -> list[TopicPartition]:
        """Return the partitions that can be read; tell of those that cannot."""
        state = (await topic_states(client_of(consumer), [self.topic])).get(self.topic)
        if state is None:  # a broker before 2.8
            state = TopicState((await existing_topics(self._connection)).get(self.topic, 0))
        if not state.partitions:
            raise DataflowError(f"topic is {self.topic}; expected one that exists")
        leaderless = sorted(state.leaderless)
        if leaderless != self._leaderless:
            self._leaderless = leaderless
            for listener in self.listeners:
                listener.lack(leaderless)
        return [TopicPartition(self.topic, n) for n in range(state.partitions) if n not in state.leaderless]

    async def _assign(
        self, consumer: Consumer, partitions: Sequence[TopicPartition], before: Sequence[TopicPartition]
    ) -> None:
        """Read these partitions: what was read before from where it is, others from their newest records."""
        next_offsets = {tp: await consumer.position(tp) for tp in before if tp in partitions}
        added = [tp for tp in partitions if tp not in next_offsets]
        begins, ends = await consumer.beginning_offsets(added), await consumer.end_offsets(added)
        consumer.assign(partitions)
        for tp in partitions:
            newest = max(begins.get(tp, 0), ends.get(tp, 0) - self._share(RECENT, partitions))
            consumer.seek(tp, next_offsets.get(tp, newest))

    async def _read(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Read a few records of each partition, and show the newest of them."""
        most = self._share(MOST_EVENTS, partitions)
        fetched = await drain(consumer, partitions, most, WAIT_SECONDS)
        records = [
            (record.timestamp, tp.partition, record)
            for tp, new in fetched.items()
            for part in new.slices
            for record in part.records
        ]
        records.sort(key=lambda each: each[:2])
        events, size = list[bytes](), 0
        for _, partition, record in reversed(records[-MOST_EVENTS:]):
            event = msgspec.json.encode(view_of(partition, record))
            size += len(event)
            if events and size > MOST_BYTES:
                break
            events.append(event)
        events.reverse()
        self._recent.extend(events)
        self._tell(events, len(records) - len(events))

    async def _skip(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> int:
        """Go on near the end where more has come than can be shown; return about how much is left out."""
        most, skipped = self._share(RECENT, partitions), 0
        for tp in partitions:
            end, position = stable_end(consumer, tp), await consumer.position(tp)
            if end - position > most:
                next_offset = end - self._share(MOST_EVENTS, partitions)
                consumer.seek(tp, next_offset)
                skipped += next_offset - position
        return skipped

    @staticmethod
    def _share(count: int, partitions: Sequence[TopicPartition]) -> int:
        return max(count // len(partitions), 1)

    def _tell(self, events: Sequence[bytes], skipped: int, fault: str = "") -> None:
        for listener in self.listeners:
            listener.put(events, skipped, fault)


class TopicTails:
    """The topics that somebody looks at now."""

    def __init__(self, connection: Mapping[str, object]) -> None:
        self._connection = connection
        self._by_topic: dict[str, TopicTail] = {}

    @contextmanager
    def listen(self, topic: str) -> Iterator[TailListener]:
        """Give a listener of a topic; raise `HttpError` if there are too many."""
        if sum(len(tail.listeners) for tail in self._by_topic.values()) >= MOST_LISTENERS:
            raise overloaded(f"{MOST_LISTENERS} pages follow topics of this worker; expected fewer", 5.0)
        tail = self._by_topic.setdefault(topic, TopicTail(self._connection, topic))
        listener = tail.begin()
        try:
            yield listener
        finally:
            tail.end(listener)
            if not tail.listeners and self._by_topic.get(topic) is tail:
                del self._by_topic[topic]
