"""Arroyo as its users write it: bookings in, enriched bookings out. It has no state of its own."""

import os
import signal
from collections.abc import Callable, Mapping

import orjson
from arroyo.backends.kafka import KafkaConsumer, KafkaPayload, KafkaProducer
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, RunTask
from arroyo.processing.strategies.abstract import ProcessingStrategyFactory
from arroyo.processing.strategies.produce import Produce
from arroyo.types import Message, Partition, Topic
from stays import category_of

BROKER = {"bootstrap.servers": os.environ["BROKER"]}


def enrich(message: Message[KafkaPayload]) -> KafkaPayload:
    """Return a booking with its stay category."""
    booking = orjson.loads(message.payload.value)
    booking["stay_category"] = category_of(booking["srch_ci"], booking["srch_co"])
    return KafkaPayload(message.payload.key, orjson.dumps(booking), [])


class Enriching(ProcessingStrategyFactory[KafkaPayload]):
    """Enrich, produce, commit."""

    def create_with_partitions(self, commit: Callable, _partitions: Mapping[Partition, int]) -> RunTask:
        """Return the first step."""
        return RunTask(enrich, Produce(producer, Topic(os.environ["OUTPUT"]), CommitOffsets(commit)))


producer = KafkaProducer({**BROKER, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
consumer = KafkaConsumer(
    {
        **BROKER,
        "group.id": os.environ["GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "queued.min.messages": 100_000,
    }
)
processor = StreamProcessor(consumer, Topic(os.environ["SOURCE"]), Enriching())
signal.signal(signal.SIGTERM, lambda *_: processor.signal_shutdown())
processor.run()
producer.close().result()
