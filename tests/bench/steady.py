"""A steady load: produces at a pace, and measures latency and CPU of the worker meanwhile."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer, Message, Producer, TopicPartition

TICK_SECONDS = 0.005
WARM_UP_SECONDS = 2.0
GRACE_SECONDS = 30.0


class Working(Protocol):
    """A worker, or several together."""

    @property
    def cpu_seconds(self) -> float:
        """CPU so far."""


@dataclass(frozen=True)
class Load:
    """Values that come at a pace to the partitions in turn; `outputs` is how many records they become."""

    values: Iterator[bytes]
    events: int
    per_second: int
    partitions: int
    outputs: int


@dataclass(frozen=True)
class Steady:
    """Milliseconds from produce() to consume() by rank, cores of the worker, and how many records came."""

    p50_ms: int
    p99_ms: int
    max_ms: int
    cores: float
    outputs: int


def measure_steady(address: str, source: str, output: str, load: Load, worker: Working) -> Steady:
    """Produce the load, and read the output in the same thread until all of it is there, or is overdue.

    Outputs keep the timestamp of the event that they come from: that is when it was produced.
    What a broker and a worker that have just started take is neither in the ranks nor in the cores.
    """
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5, "enable.idempotence": True})
    consumer = committed_reader(address, output, load.partitions)
    waits: Counter[int] = Counter()
    began, sent, got, warm, ended = time.monotonic(), 0, 0, None, None
    counted_from_ms = (time.time() + WARM_UP_SECONDS) * 1000
    deadline = began + load.events / load.per_second + GRACE_SECONDS
    while got < load.outputs and time.monotonic() < deadline:
        now = time.monotonic()
        due = min(int((now - began) * load.per_second), load.events)
        for _ in range(due - sent):
            producer.produce(source, next(load.values), partition=sent % load.partitions)
            sent += 1
        producer.poll(0)
        if warm is None and now >= began + WARM_UP_SECONDS:
            warm = now, worker.cpu_seconds
        if ended is None and sent == load.events:
            ended = now, worker.cpu_seconds
        arrived = consumer.consume(1_000, TICK_SECONDS)
        waits.update(_waits(arrived, counted_from_ms))
        got += sum(message.error() is None for message in arrived)
    consumer.close()
    assert warm is not None, "the load is shorter than the warm-up"
    until, used = ended or (time.monotonic(), worker.cpu_seconds)
    ranked = sorted(waits.elements()) or [0]
    cores = (used - warm[1]) / max(until - warm[0], TICK_SECONDS)
    return Steady(ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100], ranked[-1], cores, got)


def _waits(arrived: list[Message], counted_from_ms: float) -> Iterator[int]:
    now_ms = int(time.time() * 1000)
    for message in arrived:
        if message.error() is None and message.timestamp()[1] >= counted_from_ms:
            yield now_ms - message.timestamp()[1]


def committed_reader(address: str, topic: str, partitions: int) -> Consumer:
    """Return a consumer of all partitions of a topic, from their begin, that hardly waits for more."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "steady",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    return consumer
