"""Remembered inputs: the records of topic ``ingested-inputs`` in; what is known of an input out; pure.

What was read is known by its content: where it lies, and whether it is packed, may change.
"""

from collections.abc import Iterable

import msgspec

from dataflow.inputs.input import Input

INDEXED_BYTES = 64
"""Of the begin of a content: log lines and objects differ before that."""


class InputCheckpoint(msgspec.Struct, frozen=True):
    """One input, as far as its lines are in their topic."""

    path: str
    """Where it was when it was read."""
    size: int
    version: str
    """With path and size: what need not be looked at again."""
    is_whole: bool
    """Read to its end in this version."""
    reached: int
    """Bytes of its content, unpacked."""
    sha256: str
    """Of these."""
    begin: bytes
    """The first 512 of these, or all."""
    at_ms: int
    """When that was, ms since 1970 UTC."""


encode_checkpoint = msgspec.json.encode
_decode = msgspec.json.Decoder(InputCheckpoint).decode


class InputCheckpoints:
    """All inputs of one stream, by a key that means nothing."""

    def __init__(self) -> None:
        self._checkpoints: dict[bytes, InputCheckpoint] = {}
        self._by_begin: dict[bytes, set[bytes]] = {}
        self._looked_at: set[tuple[str, int, str]] = set()

    def put(self, key: bytes, checkpoint: InputCheckpoint) -> None:
        """Take a newer state of an input."""
        self.forget(key)
        self._checkpoints[key] = checkpoint
        self._by_begin.setdefault(_indexed(checkpoint.begin), set()).add(key)
        if checkpoint.is_whole:
            self._looked_at.add((checkpoint.path, checkpoint.size, checkpoint.version))

    def forget(self, key: bytes) -> None:
        """Take away an input, if it is there."""
        old = self._checkpoints.pop(key, None)
        if old is not None:
            self._by_begin[_indexed(old.begin)].discard(key)
            self._looked_at.discard((old.path, old.size, old.version))

    def put_raw(self, key: bytes, value: bytes | None) -> None:
        """Take a record of the topic; null takes an input away. Raises `msgspec.DecodeError`."""
        if value is None:
            self.forget(key)
        else:
            self.put(key, _decode(value))

    def is_known(self, source: Input) -> bool:
        """Tell whether this very version of an input was read to its end."""
        return (source.path, source.size, source.version) in self._looked_at

    def beginning_like(self, begin: bytes) -> list[tuple[bytes, InputCheckpoint]]:
        """Return those whose begin is that of a content, as far as both go; those read furthest last."""
        if not begin:
            return []
        candidates = [(key, self._checkpoints[key]) for key in self._keys(begin)]
        alike = [pair for pair in candidates if _agree(begin, pair[1].begin)]
        return sorted(alike, key=lambda pair: pair[1].reached)

    def _keys(self, begin: bytes) -> Iterable[bytes]:
        if len(begin) < INDEXED_BYTES:
            return list(self._checkpoints)
        return self._by_begin.get(_indexed(begin), set()) | self._by_begin.get(b"", set())


def _indexed(begin: bytes) -> bytes:
    """Return by what an input is found; short ones are few, and all of them are looked at."""
    return begin[:INDEXED_BYTES] if len(begin) >= INDEXED_BYTES else b""


def _agree(one: bytes, other: bytes) -> bool:
    both = min(len(one), len(other))
    return one[:both] == other[:both]
