"""The load: events of four streams, garbage among them, steadily, by Kafka and HTTP; a seed says which."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http.client import HTTPException
from urllib.request import ProxyHandler, Request, build_opener

from chaos.campaign.access_lines import line
from chaos.cluster import PARTITIONS, Place
from chaos.feed import FIRST_MS, FLUSH_SECONDS, events_of, headers_of
from chaos.garbage import CASES
from confluent_kafka import KafkaError, Message, Producer

from dataflow.demo.samples import SAMPLE_TOPICS

TICK_SECONDS = 0.1
SMALL_BYTES = 4_096
EVERY = 37
"""So many events have one among them that cannot be used."""
LINES_A_BODY = 10
RECORD_MS = 50
"""From one record timestamp to the next: the S3 sink goes by them."""
POST_SECONDS = 10
SENT = ("sent",)


@cache
def garbage_of(stream: str) -> dict[bytes | None, str]:
    """Return small events that cannot be used, and the reason of each dead letter."""
    return {
        case.raw: case.ends
        for case in CASES[stream]
        if case.ends not in SENT
        and not case.ends.startswith(("rule-", "bots"))
        and len(case.raw or b"") < SMALL_BYTES
    }


def event_of(place: Place, number: int, seed: int) -> bytes | None:
    """Return the event of this number in this partition."""
    stream, partition = place
    dice = number * 7 + partition * 11 + seed
    if dice % EVERY == 0:
        odd = list(garbage_of(stream))
        return odd[dice // EVERY % len(odd)]
    events = events_of(stream)
    return events[(number * PARTITIONS + partition + seed) % len(events)]


class Load:
    """Sends until it is paused; the key of a record is its number in its partition."""

    def __init__(self, address: str, partitions: Mapping[str, int], seed: int) -> None:
        self.seed = seed
        self.sent: dict[Place, int] = {(s, p): 0 for s in SAMPLE_TOPICS for p in range(partitions[s])}
        self.accepted: set[int] = set()
        """Lines of access logs that the ingest worker has acknowledged."""
        self.lines = 0
        """How many of them were ever tried."""
        self.ingest_url = ""
        self._partitions = partitions
        self._failed: list[KafkaError] = []
        self._running = threading.Event()
        self._idle = [threading.Event(), threading.Event()]
        self._rate = 0
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "linger.ms": 20,
                "log_level": 2,
                "queue.buffering.max.messages": 1_000_000,
                "message.timeout.ms": 600_000,
            }
        )

    def start(self, per_second: int, ingest_url: str) -> None:
        """Send so many events a second to each stream."""
        self._rate, self.ingest_url = max(int(per_second * TICK_SECONDS / PARTITIONS), 1), ingest_url
        for work, idle in zip((self._produce_all, self._post), self._idle, strict=True):
            threading.Thread(target=self._keep_on, args=[work, idle], daemon=True).start()
        self.resume()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    def halt(self) -> None:
        """Send no more, whatever is not acknowledged."""
        self._running.clear()

    def pause(self) -> None:
        """Send no more, and return when all is acknowledged."""
        self._running.clear()
        for idle in self._idle:
            assert idle.wait(FLUSH_SECONDS), "sender does not come to an end"
        unsent = self._producer.flush(FLUSH_SECONDS)
        assert not self._failed, self._failed[:3]
        assert unsent == 0, f"{unsent} events not acknowledged"

    def _keep_on(self, work: Callable[[], None], idle: threading.Event) -> None:
        while True:
            idle.set()
            self._running.wait()
            idle.clear()
            if self._running.is_set():
                work()
                time.sleep(TICK_SECONDS)

    def _produce_all(self) -> None:
        self._find_added()
        for place in self.sent:
            for _ in range(self._rate):
                self._produce(place)
        self._producer.poll(0)

    def _find_added(self) -> None:
        for stream in SAMPLE_TOPICS:
            count = self._partitions[stream]
            added = [(stream, p) for p in range(count) if (stream, p) not in self.sent]
            if added and len(self._producer.list_topics(stream, 30).topics[stream].partitions) == count:
                self.sent |= dict.fromkeys(added, 0)

    def _produce(self, place: Place) -> None:
        number = self.sent[place]
        self._producer.produce(
            place[0],
            event_of(place, number, self.seed),
            key=b"%d" % number,
            partition=place[1],
            headers=[*headers_of(number)],
            timestamp=FIRST_MS + number * RECORD_MS,
            on_delivery=self._delivered,
        )
        self.sent[place] += 1

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error:
            self._failed.append(error)

    def _post(self) -> None:
        """Post a body until it is accepted, as a sender does."""
        numbers = range(self.lines, self.lines + LINES_A_BODY)
        self.lines = numbers.stop
        body = b"\n".join(line(number) for number in numbers)
        while self._running.is_set():
            if self._is_accepted(body):
                self.accepted |= set(numbers)
                return
            time.sleep(TICK_SECONDS)

    def _is_accepted(self, body: bytes) -> bool:
        try:
            request = Request(f"{self.ingest_url}/ingest/access-logs", body, method="POST")
            with build_opener(ProxyHandler({})).open(request, timeout=POST_SECONDS) as answer:
                return bool(answer.status == 200)
        except (OSError, HTTPException):  # it may be killed amid its answer
            return False
