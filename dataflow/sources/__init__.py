"""Sources: events from outside of Kafka go into its topics; one subject a file."""
