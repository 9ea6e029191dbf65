"""The embedded broker: a real one-node Apache Kafka, its data in one folder."""

from dataflow.demo.broker.kafka import FULL_JVM, SMALL_JVM, EmbeddedBroker

__all__ = ["FULL_JVM", "SMALL_JVM", "EmbeddedBroker"]
