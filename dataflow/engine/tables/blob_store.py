"""Blob store: where the chunks of sealed windows are kept, out of the way of what is counted now."""

from typing import Protocol


class BlobStore(Protocol):
    """Keeps bytes by the changelog key of a chunk: table, window size, start of the window, number.

    It is no source of truth: what it loses is restored from the changelog.
    """

    def get(self, key: bytes) -> bytes:
        """Return what was put; raise KeyError if nothing was."""

    def put(self, key: bytes, blob: bytes) -> None:
        """Keep these bytes in place of those before."""

    def delete(self, key: bytes) -> None:
        """Forget a key; do nothing if it is unknown."""


class MemoryBlobs:
    """Keeps the chunks in memory."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes:
        """Return what was put; raise KeyError if nothing was."""
        return self._blobs[key]

    def put(self, key: bytes, blob: bytes) -> None:
        """Keep these bytes in place of those before."""
        self._blobs[key] = blob

    def delete(self, key: bytes) -> None:
        """Forget a key; do nothing if it is unknown."""
        self._blobs.pop(key, None)
