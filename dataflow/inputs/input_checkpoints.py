"""Input checkpoints: how far each input is read, as kept in topic ``ingested-inputs``; pure.

Inputs are recognized by their content: their path may change, and they may be packed.
"""

from collections.abc import Iterable

import msgspec

from dataflow.inputs.input import Input

INDEXED_BYTES = 64  # contents are indexed by so many of their first bytes; most contents differ within them


class InputCheckpoint(msgspec.Struct, frozen=True):
    """How far the lines of one input are in their topic."""

    path: str
    """Its path when it was read."""
    size: int
    version: str
    """Together with path and size: an input that need not be opened again."""
    is_whole: bool
    """This version was read to its end."""
    reached: int
    """How many bytes of its unpacked content were read."""
    sha256: str
    """Hash of these bytes."""
    begin: bytes
    """The first 1,024 of these bytes, or all; of earlier releases 512."""
    at_ms: int
    """When they were read, ms since 1970 UTC."""
    prefixes: bytes = b""
    """Hashes of longer begins of these bytes; of earlier releases none."""


encode_checkpoint = msgspec.json.encode
_decode = msgspec.json.Decoder(InputCheckpoint).decode


class InputCheckpoints:
    """The checkpoints of one stream, by a random key."""

    def __init__(self) -> None:
        self._checkpoints: dict[bytes, InputCheckpoint] = {}
        self._by_begin: dict[bytes, set[bytes]] = {}
        self._complete: set[tuple[str, int, str]] = set()

    def put(self, key: bytes, checkpoint: InputCheckpoint) -> None:
        """Add or replace a checkpoint."""
        self.forget(key)
        self._checkpoints[key] = checkpoint
        self._by_begin.setdefault(_indexed(checkpoint.begin), set()).add(key)
        if checkpoint.is_whole:
            self._complete.add((checkpoint.path, checkpoint.size, checkpoint.version))

    def forget(self, key: bytes) -> None:
        """Remove a checkpoint, if it exists."""
        old = self._checkpoints.pop(key, None)
        if old is not None:
            self._by_begin[_indexed(old.begin)].discard(key)
            self._complete.discard((old.path, old.size, old.version))

    def put_raw(self, key: bytes, value: bytes | None) -> None:
        """Apply a record of the topic; null removes a checkpoint. Raises one of `UNREADABLE`."""
        if value is None:
            self.forget(key)
        else:
            self.put(key, _decode(value))

    def is_known(self, source: Input) -> bool:
        """Tell whether this version of an input was read to its end."""
        return (source.path, source.size, source.version) in self._complete

    def with_same_begin(self, begin: bytes) -> list[tuple[bytes, InputCheckpoint]]:
        """Return the checkpoints whose begin agrees with that of a content; those read furthest last."""
        if not begin:
            return []
        candidates = [(key, self._checkpoints[key]) for key in self._keys(begin)]
        alike = [
            (key, one)
            for key, one in candidates
            if begin.startswith(one.begin) or one.begin.startswith(begin)
        ]
        return sorted(alike, key=lambda pair: pair[1].reached)

    def _keys(self, begin: bytes) -> Iterable[bytes]:
        if len(begin) < INDEXED_BYTES:
            return list(self._checkpoints)
        return self._by_begin.get(_indexed(begin), set()) | self._by_begin.get(b"", set())


def _indexed(begin: bytes) -> bytes:
    """Return the key of the index; short contents are few, and share one key."""
    return begin[:INDEXED_BYTES] if len(begin) >= INDEXED_BYTES else b""
