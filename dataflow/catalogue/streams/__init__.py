"""Streams: one module each, with its topics and one `STREAM`; a module that is put here is declared."""
