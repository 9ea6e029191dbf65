"""Fixtures of the tests of `dataflow.kafka`: a connection, and a topic for each."""

from collections.abc import Callable

import pytest
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.kafka.connection import connection


@pytest.fixture
def reached(broker: EmbeddedBroker) -> dict[str, object]:
    """Return how clients reach the broker."""
    return connection([broker.address])


@pytest.fixture
def topic(kafka: KafkaClient, unique: Callable[[str], str]) -> str:
    """Return a topic of two partitions."""
    name = unique("topic")
    kafka.create_topics(name, 2)
    return name
