"""Stored windows: one window of a store; what is written to is unpacked, the rest bytes, or sealed."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, count, groupby, islice
from operator import itemgetter
from secrets import randbits
from typing import Any, Final

from dataflow.engine.tables.changelog import ChangelogRecord, entry_key
from dataflow.engine.tables.entry_size import entry_bytes
from dataflow.engine.tables.labels import OTHER, item_rank, rank
from dataflow.engine.tables.sealed_chunk import chunks_of
from dataflow.engine.tables.sealed_window import SealedWindow
from dataflow.engine.tables.spilled_states import SpilledStates
from dataflow.engine.tables.window_entry import EntryFormat, Packed, WindowEntry, decode, encode

SAMPLED: Final = 100
"""Of so many entries the size of a window is estimated."""

_versions = count(randbits(62))  # workers ask one another whether what they know is still so


class StoredWindow:
    """The entries of one window: those that are sealed, and to be added to them, what came since.

    So a late row neither reads nor writes again what is sealed.
    """

    __slots__ = (
        "_format", "_prefix", "_spilled", "entries", "rewrites", "sealed", "start", "touched_at", "version",
    )  # fmt: skip

    def __init__(
        self, prefix: str, start: int, entry_format: EntryFormat, spilled: SpilledStates, sealed: SealedWindow
    ) -> None:
        self.start = start
        self.sealed = sealed
        self.entries: dict[str, WindowEntry | bytes] = {}
        self.touched_at = -1
        """Newest event time in ms when it was last written to, as far as is known."""
        self._prefix = prefix
        self._format = entry_format
        self._spilled = spilled
        self.rewrites = 0
        """How often entries were sealed, unsealed or removed."""
        self.touch()

    @property
    def edition(self) -> tuple[int, int]:
        """What is another one after each change, also of the form in which entries are kept."""
        return self.version, self.rewrites

    def touch(self) -> None:
        """Note that what it adds up to is changing: it gets a version that no window has had before."""
        self.version = next(_versions)

    def __len__(self) -> int:
        """Return how many keys there are at most."""
        return len(self.entries) + self.sealed.count

    @property
    def named_count(self) -> int:
        """How many keys there are, `(other)` left out."""
        return (
            len(self.keys() - {OTHER}) if self.sealed.count else len(self.entries) - (OTHER in self.entries)
        )

    def keys(self) -> set[str]:
        """Return all keys."""
        return {*self.entries, *chain.from_iterable(chunk.keys for chunk in self.sealed.chunks())}

    def has(self, key: str) -> bool:
        """Tell whether there is an entry of this key."""
        return key in self.entries or self.sealed.get(key) is not None

    def open(self, key: str) -> WindowEntry:
        """Return what came of a key since the window was sealed, from now on unpacked, to be added to."""
        entry = self.entries.get(key)
        if entry is None:
            is_first = not self.sealed.count and OTHER not in self.entries
            opened = self._format.new(0 if is_first else self._error_bound_of_new(key))
        elif isinstance(entry, WindowEntry):
            return entry
        else:
            opened = self._format.unpack(self._whole(key, entry))
            opened.is_written = True
        self.entries[key] = opened
        return opened

    def size(self) -> int:
        """Return about how many bytes of memory the entries take that are not sealed."""
        some = islice(self.entries.items(), 0, None, max(1, len(self.entries) // SAMPLED))
        sizes = [self._spilled.size((self.start, key)) + entry_bytes(entry) for key, entry in some]
        return len(self.entries) * sum(sizes) // max(1, len(sizes))

    def parts(self, key: str) -> Iterator[Packed]:
        """Yield the packed entries that add up to that of a key."""
        sealed = self.sealed.get(key)
        if sealed is not None:
            yield sealed
        if key in self.entries:
            yield self._whole(key, self.entries[key])

    def all_parts(self) -> Iterator[tuple[str, Packed]]:
        """Yield the packed entries that add up to those of all keys, with their keys."""
        return chain(self.sealed.items(), self._added())

    def items(self) -> Iterator[tuple[str, Packed]]:
        """Yield the keys and packed entries in the order of the keys."""
        if not self.sealed.count:
            return self._added()
        if not self.entries:
            return self.sealed.items()
        return self._merged(merge(self.sealed.items(), self._added(), key=item_rank))

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return by key the error bound and the number of rows."""
        counts: dict[str, tuple[int, int]] = {}
        for chunk in self.sealed.chunks():
            heads = zip(chunk.column(0), map(int, chunk.column(1)), strict=True)
            counts.update(zip(chunk.keys, heads, strict=True))
        for key, entry in self.entries.items():
            if isinstance(entry, WindowEntry):
                error_bound, rows = entry.error_bound, entry.states[0]
            else:
                error_bound, packed_count, *_ = self._format.head(entry)
                rows = int(packed_count)  # a text where a total beside it was too large for msgpack
            known = counts.get(key)
            counts[key] = (error_bound + known[0], rows + known[1]) if known else (error_bound, rows)
        return counts

    def column(self, slot: int) -> Iterator[tuple[str, Any]]:
        """Yield keys with their packed state at this place, which add up by key; no large ones."""
        for chunk in self.sealed.chunks():
            yield from zip(chunk.keys, chunk.column(slot), strict=True)
        for key, entry in list(self.entries.items()):
            if isinstance(entry, WindowEntry):
                yield key, entry.states[slot - 1] if slot else entry.error_bound
            else:
                yield key, decode(entry)[slot]

    def packed(self, key: str) -> Packed:
        """Return what came of a key since the window was sealed."""
        return self._whole(key, self.entries[key])

    def pack(self, keys: Iterable[str] | None = None) -> None:
        """Turn these entries, or all, into bytes, as they have just been written."""
        for key in list(self.entries) if keys is None else keys:
            entry = self.entries.get(key)
            if isinstance(entry, WindowEntry):
                packed = self._format.pack(entry)
                list(self._spilled.spill((self.start, key), packed))  # nothing new
                self.entries[key] = encode(packed)

    def seal(self) -> Iterator[ChangelogRecord]:
        """Turn all entries into chunks; yield what writes these, and deletes the entries' records."""
        return self.replace([chunk for chunk in chunks_of(self.items(), self._format) if chunk])

    def replace(self, chunks: Iterable[bytes]) -> Iterator[ChangelogRecord]:
        """Put these chunks in place of all entries."""
        self.rewrites += 1
        yield from self.sealed.replace(chunks)
        yield from self.remove(list(self.entries))
        self.entries = {}  # the one that was emptied keeps its room

    def unseal(self) -> Iterator[ChangelogRecord]:
        """Unpack what is sealed, so that it can be changed or removed."""
        self.rewrites += 1
        for key, packed in list(self.items()):
            entry = self.entries.get(key)
            whole = self.entries[key] = self._format.unpack(packed)
            whole.is_written = isinstance(entry, bytes) or (entry is not None and entry.is_written)
        yield from self.sealed.replace(())

    def remove(self, keys: Iterable[str]) -> Iterator[ChangelogRecord]:
        """Forget entries that are not sealed; yield what deletes their records."""
        self.rewrites += 1
        for key in keys:
            entry = self.entries.pop(key)
            if isinstance(entry, bytes) or entry.is_written:
                yield from self._spilled.forget((self.start, key))
                yield entry_key(self._prefix, self.start, key), None

    def _merged(self, items: Iterable[tuple[str, Packed]]) -> Iterator[tuple[str, Packed]]:
        for key, of_key in groupby(items, key=itemgetter(0)):
            yield key, self._format.merge_packed([packed for _, packed in of_key])

    def _added(self) -> Iterator[tuple[str, Packed]]:
        return ((key, self._whole(key, self.entries[key])) for key in sorted(self.entries, key=rank))

    def _whole(self, key: str, entry: WindowEntry | bytes) -> Packed:
        if isinstance(entry, WindowEntry):
            return self._format.pack(entry)
        packed = decode(entry)
        self._spilled.restore((self.start, key), packed)
        return packed

    def _error_bound_of_new(self, key: str) -> int:
        """Return how many rows of a key that comes for the first time `(other)` may hold."""
        if key == OTHER:
            return 0
        bound = self.sealed.error_bound
        if bound and self.sealed.get(key) is not None:
            return 0  # the sealed entry has it
        other = self.entries.get(OTHER)
        if other is not None:
            bound += other.error_bound if isinstance(other, WindowEntry) else decode(other)[0]
        return bound
