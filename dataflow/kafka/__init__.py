"""Kafka: how the program reaches the broker, reads and writes; the one room that knows aiokafka's insides."""
