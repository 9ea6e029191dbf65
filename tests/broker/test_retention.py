"""Retention: history that is sent today is kept as long as anything else that is written today."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.settings import Settings
from dataflow.topics import declared_topics

IN_2017 = 1_501_545_600_000
EVENTS = [b"%d" % n for n in range(100)]
BY_PRODUCERS = "by-producers"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaClient]:
    """Return a client of a broker that looks for what is too old all the time."""
    often = {"log.retention.check.interval.ms": 200, "log.initial.task.delay.ms": 200}
    broker = EmbeddedBroker(tmp_path_factory.mktemp("retention"), properties=often)
    broker.start()
    broker.wait_ready()
    yield KafkaClient(broker.address)
    broker.kill()


def test_history_that_is_sent_today_is_not_deleted_as_old(kafka: KafkaClient):
    """Of 3,000 events of 2017 none was read: the broker went by their timestamps, and was faster."""
    kept = [
        topic
        for topic in declared_topics(Settings())
        if "compact" not in topic.configs.get("cleanup.policy", "delete")
    ]
    assert {"cdn-logs", "cdn-logs-filtered", "expedia", "dead-letters"} <= {topic.name for topic in kept}
    kafka.create_topics(BY_PRODUCERS, 1, message_timestamp_type="CreateTime", retention_ms=604_800_000)
    for topic in kept:
        kafka.create_topics(topic.name, 1, **topic.configs)
    for name in (*(topic.name for topic in kept), BY_PRODUCERS):
        kafka.produce(name, EVENTS, partition=0, timestamps=[IN_2017] * len(EVENTS))
    deadline = time.monotonic() + 60
    while has_all(kafka, BY_PRODUCERS):  # as this one tells, the broker has looked
        assert time.monotonic() < deadline, "the broker deletes nothing"
        time.sleep(0.2)
    time.sleep(1)  # five more looks
    assert [topic.name for topic in kept if not has_all(kafka, topic.name)] == []


def has_all(kafka: KafkaClient, topic: str) -> bool:
    """Tell whether a topic still has all events from its first offset on."""
    try:
        return len(kafka.read_topic(topic)) == len(EVENTS)
    except KafkaException:  # the first offset is gone
        return False
