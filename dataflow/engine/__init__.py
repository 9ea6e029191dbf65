"""The engine: Kafka record batches through Faust agents, one transaction a checkpoint."""
