"""The feed: numbered sample events to every partition of every source topic, at once or steadily."""

import threading
from collections.abc import Mapping
from functools import cache

from chaos.cluster import ONLY_CRITICAL, PARTITIONS, Place
from chaos.flows import Outcome, outcome
from confluent_kafka import KafkaError, Message, Producer

from dataflow.demo.samples import SAMPLE_TOPICS, sample_events

TICK_SECONDS = 0.05
FIRST_MS = 1_796_083_200_000  # 2026-12-01, after every event time of the samples
FLUSH_SECONDS = 120
AT_FIRST = dict.fromkeys(SAMPLE_TOPICS, PARTITIONS)


class Feed:
    """Writes sample events over and over; the key of a record is its number in its partition."""

    def __init__(self, address: str, partitions: Mapping[str, int] = AT_FIRST) -> None:
        """Send to so many partitions of each stream; whoever has given them may add some."""
        self._partitions = partitions
        self.sent: dict[Place, int] = {(s, p): 0 for s, count in partitions.items() for p in range(count)}
        self._failed: list[KafkaError] = []
        self._stopping = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "linger.ms": 10,
                "log_level": ONLY_CRITICAL,
                "queue.buffering.max.messages": 1_000_000,
            }
        )

    def play_samples(self) -> None:
        """Write every sample event once, and wait until the broker has them all."""
        for stream in SAMPLE_TOPICS:
            for number in range(len(events_of(stream))):
                self._produce(stream, number % PARTITIONS)
        self._flush()

    def start(self, per_second: int) -> None:
        """Write so many events a second to each stream until `stop`."""
        each = max(int(per_second * TICK_SECONDS / PARTITIONS), 1)
        self._thread = threading.Thread(target=self._play_on, args=[each], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the broker has all that was sent."""
        self._stopping.set()
        self._thread.join()
        self._flush()

    def outcomes_of(self, stream: str) -> list[list[Outcome]]:
        """Return what must become of the events of a stream, by partition."""
        return [self.outcomes(place) for place in self.sent if place[0] == stream]

    def outcomes(self, place: Place) -> list[Outcome]:
        """Return what must become of the events of a partition, in their order."""
        return [outcome(place[0], event_of(place, number)) for number in range(self.sent[place])]

    def _play_on(self, each: int) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self._find_added()
            for stream, partition in self.sent:
                for _ in range(each):
                    self._produce(stream, partition)

    def _find_added(self) -> None:
        for stream, count in self._partitions.items():
            added = [(stream, p) for p in range(count) if (stream, p) not in self.sent]
            if added and len(self._producer.list_topics(stream, 30).topics[stream].partitions) == count:
                self.sent |= dict.fromkeys(added, 0)

    def _produce(self, stream: str, partition: int) -> None:
        place = stream, partition
        number = self.sent[place]
        self._producer.produce(
            stream,
            event_of(place, number),
            key=b"%d" % number,
            partition=partition,
            headers=[*headers_of(number)],
            timestamp=FIRST_MS + number,
            on_delivery=self._delivered,
        )
        self._producer.poll(0)
        self.sent[place] += 1

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error:
            self._failed.append(error)

    def _flush(self) -> None:
        unsent = self._producer.flush(FLUSH_SECONDS)
        assert not self._failed, self._failed[:3]
        assert unsent == 0, f"{unsent} events not acknowledged"


@cache
def events_of(stream: str) -> list[bytes]:
    """Return the sample events of a stream."""
    return sample_events(stream)


def event_of(place: Place, number: int) -> bytes:
    """Return the event of this number in this partition."""
    stream, partition = place
    events = events_of(stream)
    return events[(number * PARTITIONS + partition) % len(events)]


def headers_of(number: int) -> list[tuple[str, bytes]]:
    """Return the headers that an event is sent with: two of one name, one empty, or none."""
    return [("trace", b"%d" % number), ("trace", b"\xff"), ("empty", b"")] if number % 3 else []
