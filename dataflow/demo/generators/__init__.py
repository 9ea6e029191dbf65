"""Generators: a seed and a rate in, realistic events of each stream with their event times out."""
