"""Inputs: files and S3 objects in, their lines in the topic of a stream, each exactly once, out."""
