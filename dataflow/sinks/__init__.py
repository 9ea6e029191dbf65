"""Sinks: one system a file; what agents have written in, stored for good outside of Kafka."""
