"""Sinks: store what agents have written outside of Kafka; one system a file or folder."""
