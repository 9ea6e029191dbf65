"""The embedded broker: a folder in, a real one-node Apache Kafka out."""

from dataflow.demo.broker.kafka import FULL_JVM, SMALL_JVM, EmbeddedBroker

__all__ = ["FULL_JVM", "SMALL_JVM", "EmbeddedBroker"]
