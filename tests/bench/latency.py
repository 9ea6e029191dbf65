"""Latency: bookings at a steady pace in, the time until a read_committed consumer has them out."""

import time
from collections import Counter
from dataclasses import dataclass

import orjson
from bookings import bookings, times_each
from cluster import PARTITIONS
from confluent_kafka import Consumer, Producer, TopicPartition

TICK_SECONDS = 0.005
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds from produce() to consume(), by rank, and whether every booking came once."""

    p50_ms: int
    p99_ms: int
    max_ms: int
    events: int
    exact: bool


def measure_latency(address: str, source: str, output: str, per_second: int, seconds: float) -> Latency:
    """Produce at this pace, and read the output in the same thread until all of it is there.

    Outputs keep the timestamp of the booking that they come from: that is when it was produced.
    The first second, in which a broker and a worker that have just started meet, must be exact,
    but is not in the ranks.
    """
    wanted = int(per_second * (WARM_UP_SECONDS + seconds))
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5, "enable.idempotence": True})
    consumer = _reader(address, output)
    values, sent, waits, seen = bookings(wanted), 0, Counter(), Counter()
    began, got = time.monotonic(), 0
    counted_from_ms = (time.time() + WARM_UP_SECONDS) * 1000
    while got < wanted and time.monotonic() < began + seconds + 30:
        due = min(int((time.monotonic() - began) * per_second), wanted)
        for _ in range(due - sent):
            producer.produce(source, next(values), partition=sent % PARTITIONS)
            sent += 1
        producer.poll(0)
        for message in consumer.consume(1_000, TICK_SECONDS):
            if message.error() is None:
                produced_ms = message.timestamp()[1]
                if produced_ms >= counted_from_ms:
                    waits[int(time.time() * 1000) - produced_ms] += 1
                seen[orjson.loads(message.value())["id"]] += 1
                got += 1
    consumer.close()
    ranked = sorted(waits.elements()) or [0]
    return Latency(
        ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100], ranked[-1],
        got, seen == times_each(wanted),
    )  # fmt: skip


def _reader(address: str, topic: str) -> Consumer:
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "latency",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
        }
    )
    consumer.assign([TopicPartition(topic, n, 0) for n in range(PARTITIONS)])
    return consumer
