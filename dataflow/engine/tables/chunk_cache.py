"""Chunk cache: chunks of sealed windows from the blob store, the last ones read unpacked."""

from collections import OrderedDict
from typing import Final

from dataflow.engine.tables.blob_store import BlobStore
from dataflow.engine.tables.sealed_chunk import SealedChunk
from dataflow.engine.tables.window_entry import EntryFormat

CACHE_BYTES: Final = 8 << 20
"""Of chunks as they are stored; unpacked they take some times more."""


class ChunkCache:
    """Reads and writes the chunks of all sealed windows of a partition."""

    def __init__(self, blobs: BlobStore, max_bytes: int = CACHE_BYTES) -> None:
        self._blobs = blobs
        self._max_bytes = max_bytes
        self._size = 0
        self._chunks: OrderedDict[bytes, tuple[int, SealedChunk]] = OrderedDict()

    def get(self, key: bytes, entry_format: EntryFormat) -> SealedChunk:
        """Return a chunk by its changelog key."""
        if key in self._chunks:
            self._chunks.move_to_end(key)
            return self._chunks[key][1]
        raw = self._blobs.get(key)
        chunk = SealedChunk(raw, entry_format)
        self._chunks[key] = len(raw), chunk
        self._size += len(raw)
        while self._size > self._max_bytes and len(self._chunks) > 1:
            self._size -= self._chunks.popitem(last=False)[1][0]
        return chunk

    def put(self, key: bytes, raw: bytes) -> None:
        """Keep a chunk in place of the one before."""
        self._forget(key)
        self._blobs.put(key, raw)

    def delete(self, key: bytes) -> None:
        """Forget a chunk."""
        self._forget(key)
        self._blobs.delete(key)

    def _forget(self, key: bytes) -> None:
        if key in self._chunks:
            self._size -= self._chunks.pop(key)[0]
