"""Inputs: reads files and S3 objects into the topics of streams, each line exactly once."""
