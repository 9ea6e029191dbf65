"""Rules: documents that change while it runs, kept in topics so that all workers have the same."""
