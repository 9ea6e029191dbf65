"""Agents: one file each; batches of events in, topics and tables out."""
