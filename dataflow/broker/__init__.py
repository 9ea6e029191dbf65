"""The embedded broker: a folder in, a real one-node Apache Kafka out."""

from dataflow.broker.home import running_broker
from dataflow.broker.kafka import FULL_JVM, SMALL_JVM, EmbeddedBroker

__all__ = ["FULL_JVM", "SMALL_JVM", "EmbeddedBroker", "running_broker"]
