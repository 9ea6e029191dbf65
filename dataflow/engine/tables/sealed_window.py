"""Sealed windows: the entries of one window as chunks, out of memory until they are read."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from dataflow.engine.tables.changelog import ChangelogRecord, entry_key
from dataflow.engine.tables.chunks import Chunks
from dataflow.engine.tables.labels import rank
from dataflow.engine.tables.sealed_chunk import ChunkSummary, SealedChunk, summary_of
from dataflow.engine.tables.window_entry import EntryFormat, Packed


class SealedWindow:
    """The chunks of one window, in the order of their keys."""

    __slots__ = ("_chunks", "_format", "_index", "_prefix", "_start", "count")

    def __init__(self, prefix: str, start: int, entry_format: EntryFormat, chunks: Chunks) -> None:
        self._prefix = prefix
        self._start = start
        self._format = entry_format
        self._chunks = chunks
        self._index: dict[int, ChunkSummary] = {}  # by number
        self.count = 0
        """Number of entries."""

    @property
    def error_bound(self) -> int:
        """How many rows of any one key are in `(other)` at most."""
        return sum(chunk.error_bound for chunk in self._index.values())

    def load(self, number: int, raw: bytes | None) -> None:
        """Restore a chunk; None deletes it."""
        before = self._index.pop(number, None)
        self.count -= before.count if before else 0
        if raw is None:
            self._chunks.delete(self._key(number))
            return
        summary = self._index[number] = summary_of(raw)
        self.count += summary.count
        self._chunks.put(self._key(number), raw)

    def get(self, key: str) -> Packed | None:
        """Return the packed entry of a key; None if there is none."""
        lasts = [self._index[number].last for number in sorted(self._index)]
        at = bisect_left(lasts, rank(key), key=rank)
        return self._chunk(at).get(key) if at < len(lasts) else None

    def chunks(self) -> Iterator[SealedChunk]:
        """Yield the chunks in order."""
        for number in sorted(self._index):
            yield self._chunk(number)

    def items(self) -> Iterator[tuple[str, Packed]]:
        """Yield the keys and packed entries in order."""
        for chunk in self.chunks():
            yield from chunk.items()

    def replace(self, chunks: Iterable[bytes]) -> list[ChangelogRecord]:
        """Put these chunks in place of all; return the records."""
        records: list[ChangelogRecord] = []
        before, self._index, self.count = self._index, {}, 0
        for number, raw in enumerate(chunks):
            self.load(number, raw)
            records.append((self._key(number), raw))
        for number in before.keys() - self._index.keys():
            self._chunks.delete(self._key(number))
            records.append((self._key(number), None))
        return records

    def _chunk(self, number: int) -> SealedChunk:
        return self._chunks.get(self._key(number), self._format)

    def _key(self, number: int) -> bytes:
        return entry_key(self._prefix, self._start, str(number))
