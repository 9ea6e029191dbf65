"""Chunk cache: chunks of sealed windows from blob stores, the last ones read unpacked."""

from collections import OrderedDict
from typing import Final

from dataflow.engine.tables.blob_store import BlobStore
from dataflow.engine.tables.sealed_chunk import SealedChunk
from dataflow.engine.tables.window_entry import EntryFormat

CACHE_BYTES: Final = 32 << 20
"""Of unpacked chunks, those of all tables and partitions of a worker together."""


class ChunkCache:
    """The chunks that were read last."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self._chunks: OrderedDict[tuple[BlobStore, bytes], SealedChunk] = OrderedDict()

    def get(self, blobs: BlobStore, key: bytes, entry_format: EntryFormat) -> SealedChunk:
        """Return a chunk by its changelog key."""
        chunk = self._chunks.get((blobs, key))
        if chunk is None:
            chunk = self._chunks[blobs, key] = SealedChunk(blobs.get(key), entry_format)
            self.size += chunk.unpacked_bytes
            self.shrink(self.max_bytes)
        else:
            self._chunks.move_to_end((blobs, key))
        return chunk

    def forget(self, blobs: BlobStore, key: bytes) -> None:
        """Forget a chunk: there is another one, or none any more."""
        chunk = self._chunks.pop((blobs, key), None)
        if chunk is not None:
            self.size -= chunk.unpacked_bytes

    def shrink(self, max_bytes: int) -> None:
        """Forget what was not read for longest."""
        while self.size > max_bytes and self._chunks:
            self.size -= self._chunks.popitem(last=False)[1].unpacked_bytes


class Chunks:
    """The chunks of all sealed windows of a partition."""

    def __init__(self, blobs: BlobStore, cache: ChunkCache) -> None:
        self._blobs = blobs
        self._cache = cache

    def get(self, key: bytes, entry_format: EntryFormat) -> SealedChunk:
        """Return a chunk by its changelog key."""
        return self._cache.get(self._blobs, key, entry_format)

    def put(self, key: bytes, raw: bytes) -> None:
        """Keep a chunk in place of the one before."""
        self._cache.forget(self._blobs, key)
        self._blobs.put(key, raw)

    def delete(self, key: bytes) -> None:
        """Forget a chunk."""
        self._cache.forget(self._blobs, key)
        self._blobs.delete(key)
