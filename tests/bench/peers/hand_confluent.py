"""What an engineer writes by hand with confluent-kafka and orjson: bookings in, enriched bookings out.

Once a second it flushes, then commits. The counts are a plain dict; with each commit one
record per changed count goes to a changelog topic, and no code reads it back.
"""

import json
import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import orjson
from bookings import category_of
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

OUTPUT, COMMIT_SECONDS = os.environ["OUTPUT"], 1.0
NOTHING_TO_COMMIT = (KafkaError._NO_OFFSET, KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID)
BROKER = {"bootstrap.servers": os.environ["BROKER"]}

consumer = Consumer(
    {
        **BROKER,
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "queued.min.messages": 100_000,
        "fetch.queue.backoff.ms": 10,  # with the default of 1,000 it waits most of the time
    }
)
producer = Producer({**BROKER, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
counts: Counter[tuple[int, str, int]] = Counter()  # partition, category, start of the hour
changed: set[tuple[int, str, int]] = set()
stopping = Event()


def produce(topic: str, value: bytes, key: bytes | None = None, partition: int = -1) -> None:
    """Hand one message to the producer, waiting while its queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.05)


def enrich(message: object) -> bytes:
    """Return the booking with its stay category, and count it."""
    booking = orjson.loads(message.value())
    category = booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    at = int(datetime.fromisoformat(booking["date_time"]).replace(tzinfo=UTC).timestamp())
    cell = message.partition(), category, at - at % 3_600
    counts[cell] += 1
    changed.add(cell)
    return orjson.dumps(booking)


def commit() -> None:
    """Write the changed counts, wait for all that was sent, then commit the offsets."""
    for cell in changed:
        partition, category, hour = cell
        produce(f"{OUTPUT}-changelog", b"%d" % counts[cell], f"{category}|{hour}".encode(), partition)
    changed.clear()
    producer.flush()
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() not in NOTHING_TO_COMMIT:
            raise


def main() -> None:
    """Run until SIGTERM, then write the counts to a file for the check."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consumer.subscribe([os.environ["SOURCE"]])
    committed, pending = time.monotonic(), 0
    while not stopping.is_set():
        messages = consumer.consume(5_000, 0.2)
        for message in messages:
            if message.error() is None:
                produce(OUTPUT, enrich(message), message.key())
        producer.poll(0)
        pending += len(messages)
        if pending and time.monotonic() - committed > COMMIT_SECONDS:
            commit()
            committed, pending = time.monotonic(), 0
    if pending:
        commit()
    consumer.close()
    totals: Counter[str] = Counter()
    for (_, category, hour), count in counts.items():
        totals[f"{category}|{hour}"] += count
    Path(os.environ["COUNTS"]).write_text(json.dumps(totals))


main()
