"""Rules: documents that can change while workers run, kept in topics that all workers follow."""
