"""Spilled states: large states of aggregations, each in a changelog record of its own."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from dataflow.engine.tables.grouping import EntryId
from dataflow.engine.tables.window_entry import EntryFormat, Packed

LARGEST_INLINE_BYTES: Final = 256
"""Bytes of a packed state that is still written inside its entry."""

ChangelogRecord: TypeAlias = tuple[bytes, bytes | None]
"""Key and value of a changelog record; None deletes the key."""


def entry_key(prefix: str, entry_id: EntryId) -> bytes:
    """Return the key of an entry: `table|window|start|key`, the start in ms."""
    return f"{prefix}|{entry_id[0]}|{entry_id[1]}".encode()


class SpilledStates:
    """The spilled states of one window size, as last written: `table|window/aggregation|start|key`.

    A set of 2,494 hotels takes 20 KB; its count changes with every checkpoint, the set does not.
    """

    def __init__(self, prefix: str, entry_format: EntryFormat) -> None:
        self._prefix = prefix
        named = enumerate(zip(entry_format.names, entry_format.aggregations, strict=True), 1)
        self._spillable = {slot: name for slot, (name, aggregation) in named if aggregation.spillable}
        self._slots = {name: slot for slot, name in self._spillable.items()}
        self._written: dict[EntryId, dict[int, bytes]] = {}

    def concern(self, entry_id: EntryId, packed: Packed) -> bool:
        """Return whether a state of this entry is large, or has been; the table has spillable ones."""
        largest = max(map(len, map(packed.__getitem__, self._spillable)))
        return largest > LARGEST_INLINE_BYTES or entry_id in self._written

    def spill(self, entry_id: EntryId, packed: Packed) -> Iterator[ChangelogRecord]:
        """Replace large states by None; yield the records of those that have changed."""
        for slot in self._spillable:
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

    def __contains__(self, entry_id: EntryId) -> bool:
        """Return whether states of this entry are spilled."""
        return entry_id in self._written

    def forget(self, entry_id: EntryId) -> Iterator[ChangelogRecord]:
        """Yield what deletes the records of an entry that is gone."""
        for slot in self._written.pop(entry_id, ()):
            yield self._key(slot, entry_id), None

    def load(self, aggregation: str, entry_id: EntryId, value: bytes | None) -> None:
        """Restore one record; raise KeyError where no aggregation of this name is spillable."""
        written = self._written.setdefault(entry_id, {})
        if value is None:
            written.pop(self._slots[aggregation], None)
        else:
            written[self._slots[aggregation]] = value

    def _key(self, slot: int, entry_id: EntryId) -> bytes:
        return entry_key(f"{self._prefix}/{self._spillable[slot]}", entry_id)
