"""Bookings that a campaign sends to peers: each with a number of its own, so that each can be told apart."""

import threading
import time
from collections import Counter
from functools import cache
from typing import Any

import orjson
from bookings import WindowEntry, cells_of
from confluent_kafka import Producer

from dataflow.demo.samples import sample_events

PARTITIONS = 4
HOUR_SECONDS = 3_600
TICK_SECONDS = 0.1
FLUSH_SECONDS = 120


@cache
def samples() -> list[dict[str, Any]]:
    """Return the bookings that are sent again and again."""
    return [orjson.loads(raw) for raw in sample_events("expedia")]


class BookingsSent:
    """Sends steadily until it is paused; the nth booking goes to partition n % 4."""

    def __init__(self, address: str, topic: str) -> None:
        self.count = 0
        self._topic = topic
        self._running = threading.Event()
        self._is_idle = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "linger.ms": 20,
                "log_level": 2,
                "message.timeout.ms": 600_000,
            }
        )

    def start(self, per_second: int) -> None:
        """Send so many a second."""
        self._running.set()
        threading.Thread(target=self._keep_on, args=[int(per_second * TICK_SECONDS)], daemon=True).start()

    def pause(self) -> None:
        """Send no more, and return when all is acknowledged."""
        self._running.clear()
        assert self._is_idle.wait(FLUSH_SECONDS), "the sender does not come to an end"
        self._flush()

    def send_each_once(self) -> None:
        """Send every sample once more: whoever tells a window as it changes then tells all of them."""
        self._send(len(samples()))
        self._flush()

    def counts(self) -> dict[WindowEntry, int]:
        """Return how many bookings of each category and hour were sent, by an independent count."""
        return cells_of(Counter(samples()[n % len(samples())]["id"] for n in range(self.count)), HOUR_SECONDS)

    def _keep_on(self, each_tick: int) -> None:
        while self._running.is_set():
            self._is_idle.clear()
            self._send(each_tick)
            self._is_idle.set()
            time.sleep(TICK_SECONDS)

    def _send(self, bookings: int) -> None:
        for number in range(self.count, self.count + bookings):
            booking = samples()[number % len(samples())] | {"id": number}
            self._producer.produce(
                self._topic, orjson.dumps(booking), key=b"%d" % number, partition=number % PARTITIONS
            )
            self._producer.poll(0)
        self.count += bookings

    def _flush(self) -> None:
        unsent = self._producer.flush(FLUSH_SECONDS)
        assert unsent == 0, f"{unsent} bookings are not acknowledged"
