"""Sealed chunks: many entries of one window, compressed into one value."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import cramjam
import msgspec
from msgspec import msgpack

from dataflow.engine.tables.labels import OTHER, rank
from dataflow.engine.tables.window_entry import EntryFormat, Packed, writable

CHUNK_BYTES: Final = 128 << 10
"""About how much goes into one chunk: a late row has one of them unpacked."""

ENTRY_BYTES: Final = 32
"""About what an entry takes beside its key and its large states."""

LEVEL: Final = 3
"""Of zstd."""

Columns = list[list[Any]]


class ChunkSummary(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a chunk that is not read.

    `error_bound` is that of `(other)`, 0 if another chunk has it or none.
    """

    count: int
    last: str
    error_bound: int


class _Frame(msgspec.Struct, frozen=True, array_like=True):
    """A chunk as it is kept. Numbers, which are often read, stand apart from the large states."""

    summary: ChunkSummary
    numbers: bytes
    large: bytes


class SealedChunk:
    """The entries of a chunk in columns, in the order of their keys; unpacked as far as they are read."""

    def __init__(self, raw: bytes, entry_format: EntryFormat) -> None:
        self._frame = msgpack.decode(raw, type=_Frame)
        self._format = entry_format

    @property
    def unpacked_bytes(self) -> int:
        """About how much memory it takes once all of it has been read."""
        summary, numbers, large = msgspec.structs.astuple(self._frame)
        per_entry = 100 + 40 * len(self._format.names)
        return int(summary.count * per_entry + 4 * (len(numbers) + len(large)))

    @cached_property
    def keys(self) -> list[str]:
        """The keys in order."""
        keys: list[str] = self._numbers[0]
        return keys

    def column(self, slot: int) -> Sequence[Any]:
        """Return one packed state, or with 0 the error bound, of each entry."""
        slots = self._format.large_slots
        if slot in slots:
            return self._large[slots.index(slot)]
        return self._numbers[1 + slot - sum(large < slot for large in slots)]

    def get(self, key: str) -> Packed | None:
        """Return the packed entry of a key; None if the chunk has none."""
        at = bisect_left(self.keys, rank(key), key=rank)
        if at == len(self.keys) or self.keys[at] != key:
            return None
        return [column[at] for column in self._columns]

    def items(self) -> Iterator[tuple[str, Packed]]:
        """Yield the keys and packed entries in order."""
        return zip(self.keys, map(list, zip(*self._columns, strict=True)), strict=True)

    @cached_property
    def _columns(self) -> Columns:
        return [list(self.column(slot)) for slot in range(1 + len(self._format.names))]

    @cached_property
    def _numbers(self) -> Columns:
        return msgpack.decode(_decompressed(self._frame.numbers), type=Columns)

    @cached_property
    def _large(self) -> Columns:
        return msgpack.decode(_decompressed(self._frame.large), type=Columns)


def summary_of(raw: bytes) -> ChunkSummary:
    """Return what is to be known of a chunk that is not read."""
    return msgpack.decode(raw, type=_Frame).summary


def chunks_of(
    items: Iterable[tuple[str, Packed] | None], entry_format: EntryFormat
) -> Iterator[bytes | None]:
    """Yield keys and packed entries, which come in the order of their keys, as chunks; None for None."""
    keys: list[str] = []
    entries: list[Packed] = []
    size = 0
    for item in items:
        if item is None:
            yield None
            continue
        key, packed = item
        keys.append(key)
        entries.append(packed)
        size += ENTRY_BYTES + len(key) + sum(len(packed[slot]) for slot in entry_format.large_slots)
        if size >= CHUNK_BYTES:
            yield _encoded(keys, entries, entry_format)
            keys, entries, size = [], [], 0
    if keys:
        yield _encoded(keys, entries, entry_format)


def _encoded(keys: list[str], entries: list[Packed], entry_format: EntryFormat) -> bytes:
    columns = list(map(list, zip(*entries, strict=True)))
    large = [columns[slot] for slot in entry_format.large_slots]
    numbers = [c for slot, c in enumerate(columns) if slot not in entry_format.large_slots]
    error_bound = columns[0][-1] if keys[-1] == OTHER else 0
    summary = ChunkSummary(len(keys), keys[-1], error_bound)
    return msgpack.encode(_Frame(summary, _compressed([keys, *numbers]), _compressed(large)))


def _compressed(columns: Columns) -> bytes:
    try:
        raw = msgpack.encode(columns)
    except OverflowError:  # totals that msgpack's integers do not hold
        raw = msgpack.encode([list(map(writable, column)) for column in columns])
    return bytes(cramjam.zstd.compress(raw, level=LEVEL))


def _decompressed(raw: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(raw))
