"""Dataflow: event streams from Kafka filtered, enriched, counted in event time and served, exactly once."""

__version__ = "0.1.0"
