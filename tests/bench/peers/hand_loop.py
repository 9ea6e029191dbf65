"""The loop of both hand-written programs: topic and group in; what a function makes of each message out.

At least once: it flushes, then commits, once a second.
"""

import os
import signal
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

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
signals: list[int] = []  # an Event has a lock, which a signal may find taken by the loop itself


def produce(topic: str, value: bytes, key: bytes | None = None, partition: int = -1) -> None:
    """Hand one message to the producer, waiting while its queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.05)


def run(made_of: Callable[[Message], bytes | None], before_commit: Callable[[], None] = lambda: None) -> None:
    """Send what is made of each message, nothing for None, until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    consumer.subscribe([os.environ["SOURCE"]])
    committed, pending = time.monotonic(), 0
    while not signals:
        messages = consumer.consume(5_000, 0.2)
        for message in messages:
            if message.error() is None and (value := made_of(message)):
                produce(OUTPUT, value, message.key())
        producer.poll(0)
        pending += len(messages)
        if pending and time.monotonic() - committed > COMMIT_SECONDS:
            _commit(before_commit)
            committed, pending = time.monotonic(), 0
    if pending:
        _commit(before_commit)
    consumer.close()


def _commit(before_commit: Callable[[], None]) -> None:
    before_commit()
    producer.flush()
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() not in NOTHING_TO_COMMIT:
            raise
