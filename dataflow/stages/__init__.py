"""Stages: pure functions, one subject a file; an event in, what becomes of it out."""
