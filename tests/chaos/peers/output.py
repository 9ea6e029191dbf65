"""The output as its readers see it: how often each booking has come, and when any of a partition last did."""

import threading
import time
from collections import Counter

import orjson
from chaos.peers.bookings_sent import PARTITIONS
from confluent_kafka import Consumer, Message, TopicPartition

BATCH = 1_000
POLL_SECONDS = 0.2


class Output:
    """A read_committed reader of all partitions, in a thread of its own until it is closed."""

    def __init__(self, address: str, topic: str) -> None:
        self.seen: Counter[int] = Counter()
        """How often each booking has come."""
        self._last = [time.monotonic()] * PARTITIONS
        self._is_open = True
        self._reader = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": "reader-of-the-output",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "log_level": 2,
            }
        )
        self._reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._is_open = False
        self._thread.join()
        self._reader.close()

    def moved_since(self, moment: float) -> bool:
        """Tell whether bookings of every source partition have come since a moment of the monotonic clock."""
        return min(self._last) > moment

    @property
    def quiet_seconds(self) -> float:
        """How long nothing has come at all."""
        return time.monotonic() - max(self._last)

    def _read(self) -> None:
        while self._is_open:
            for message in self._reader.consume(BATCH, POLL_SECONDS):
                self._take(message)

    def _take(self, message: Message) -> None:
        value = message.value()
        if message.error() is None and value is not None:
            number = orjson.loads(value)["id"]
            if not self.seen[number]:
                self._last[number % PARTITIONS] = time.monotonic()
            self.seen[number] += 1
