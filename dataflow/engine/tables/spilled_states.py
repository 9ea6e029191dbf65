"""Spilled states: large states of entries, each in a changelog record of its own."""

from collections.abc import Iterator
from typing import Final

from dataflow.engine.tables.changelog import ChangelogRecord, entry_key, spilled_prefix
from dataflow.engine.tables.grouping import EntryId
from dataflow.engine.tables.window_entry import EntryFormat, Packed

LARGEST_INLINE_BYTES: Final = 256
"""Bytes of a packed state that is still written inside its entry."""


class SpilledStates:
    """The spilled states of one window size, as last written.

    A set of 2,494 hotels takes 20 KB; its count changes with every checkpoint, the set does not.
    """

    def __init__(self, prefix: str, entry_format: EntryFormat) -> None:
        names = {slot: entry_format.names[slot - 1] for slot in entry_format.large_slots}
        self.slots = {name: slot for slot, name in names.items()}
        """Place in a packed entry of each aggregation whose state may be spilled, by its name."""
        self._prefixes = {slot: spilled_prefix(prefix, name) for slot, name in names.items()}
        self._written: dict[EntryId, dict[int, bytes]] = {}

    def concern(self, entry_id: EntryId, packed: Packed) -> bool:
        """Return whether a state of this entry is large, or has been."""
        if not self.slots:
            return False
        largest = max(map(len, map(packed.__getitem__, self._prefixes)))
        return largest > LARGEST_INLINE_BYTES or entry_id in self._written

    def spill(self, entry_id: EntryId, packed: Packed) -> Iterator[ChangelogRecord]:
        """Replace large states by None; yield the records of those that have changed."""
        for slot in self._prefixes:
            state: bytes = packed[slot]
            if len(state) > LARGEST_INLINE_BYTES:
                packed[slot] = None
                written = self._written.setdefault(entry_id, {})
                if written.get(slot) != state:
                    written[slot] = state
                    yield self._key(slot, entry_id), state
            elif entry_id in self._written and self._written[entry_id].pop(slot, b""):
                yield self._key(slot, entry_id), None  # the key was gone for a while and began anew

    def restore(self, entry_id: EntryId, packed: Packed) -> None:
        """Put spilled states back into their entry."""
        for slot, state in self._written.get(entry_id, {}).items():
            if packed[slot] is None:
                packed[slot] = state

    def forget(self, entry_id: EntryId) -> Iterator[ChangelogRecord]:
        """Yield what deletes the records of an entry."""
        for slot in self._written.pop(entry_id, ()):
            yield self._key(slot, entry_id), None

    def size(self, entry_id: EntryId) -> int:
        """Return how many bytes the states of an entry take."""
        return sum(map(len, self._written.get(entry_id, {}).values()))

    def load(self, slot: int, start: int, key: str, value: bytes | None) -> None:
        """Restore one record."""
        written = self._written.setdefault((start, key), {})
        if value is None:
            written.pop(slot, None)
        else:
            written[slot] = value

    def _key(self, slot: int, entry_id: EntryId) -> bytes:
        return entry_key(self._prefixes[slot], *entry_id)
