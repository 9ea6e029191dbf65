"""Sources: events in from outside of Kafka, out into its topics; one subject a file."""
