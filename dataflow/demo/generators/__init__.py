"""Generators: realistic events of each stream, the same for the same seed, at a rate."""
