"""Chunks: those of sealed windows, from a blob store; the last ones read stay unpacked."""

from typing import Final, TypeAlias

from dataflow.engine.tables.blob_store import BlobStore
from dataflow.engine.tables.sealed_chunk import SealedChunk
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_entry import EntryFormat

CACHE_BYTES: Final = 32 << 20
"""Of unpacked chunks, those of all tables and partitions of a worker together."""

ChunkCache: TypeAlias = WeightedCache[SealedChunk]


class Chunks:
    """The chunks of all sealed windows of a partition, by their changelog keys."""

    def __init__(self, blobs: BlobStore, cache: ChunkCache | None = None) -> None:
        self._blobs = blobs
        self._cache = WeightedCache(CACHE_BYTES) if cache is None else cache

    def get(self, key: bytes, entry_format: EntryFormat) -> SealedChunk:
        """Return a chunk."""
        chunk = self._cache.get((self._blobs, key))
        if chunk is None:
            chunk = SealedChunk(self._blobs.get(key), entry_format)
            self._cache.put((self._blobs, key), chunk, chunk.unpacked_bytes)
        return chunk

    def put(self, key: bytes, raw: bytes) -> None:
        """Keep a chunk in place of the one before."""
        self._cache.forget((self._blobs, key))
        self._blobs.put(key, raw)

    def delete(self, key: bytes) -> None:
        """Forget a chunk."""
        self._cache.forget((self._blobs, key))
        self._blobs.delete(key)
