"""The embedded broker: a real one-node Apache Kafka, its data in one folder."""

from dataflow.demo.broker.kafka import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
