"""Large states: what would be written again with every count goes into an entry of its own."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from dataflow.engine.tables.entry import EntryFormat, Packed
from dataflow.engine.tables.grouping import EntryId

LARGEST_INSIDE: Final = 256
"""Bytes of a packed state that still stands in the entry of its cell."""

Entry: TypeAlias = tuple[bytes, bytes | None]
"""Key and value of a changelog record; None deletes the key."""


def entry_key(prefix: str, cell: EntryId) -> bytes:
    """Return the key of a cell's entry: `table|window|start|key`, the start in ms."""
    return f"{prefix}|{cell[0]}|{cell[1]}".encode()


class LargeStates:
    """The large states of one window size, as last written: `table|window/summary|start|key`.

    A set of 2,494 hotels takes 20 KB; its count changes with every checkpoint, the set does not.
    """

    def __init__(self, prefix: str, cells: EntryFormat) -> None:
        self._prefix = prefix
        named = enumerate(zip(cells.names, cells.aggregations, strict=True), 1)
        self._growing = {slot: name for slot, (name, aggregation) in named if aggregation.grows}
        self._slots = {name: slot for slot, name in self._growing.items()}
        self._written: dict[EntryId, dict[int, bytes]] = {}

    def concern(self, cell: EntryId, packed: Packed) -> bool:
        """Return whether a state of this cell is large, or has been; there are summaries that may grow."""
        largest = max(map(len, map(packed.__getitem__, self._growing)))
        return largest > LARGEST_INSIDE or cell in self._written

    def take_out(self, cell: EntryId, packed: Packed) -> Iterator[Entry]:
        """Replace large states by None; yield the entries of those that have changed."""
        for slot in self._growing:
            state: bytes = packed[slot]
            if len(state) > LARGEST_INSIDE:
                packed[slot] = None
                written = self._written.setdefault(cell, {})
                if written.get(slot) != state:
                    written[slot] = state
                    yield self._key(slot, cell), state
            elif cell in self._written and self._written[cell].pop(slot, b""):
                yield self._key(slot, cell), None  # the key was gone for a while and began anew

    def put_back(self, cell: EntryId, packed: Packed) -> None:
        """Put the states that were taken out where they were."""
        for slot, state in self._written.get(cell, {}).items():
            if packed[slot] is None:
                packed[slot] = state

    def __contains__(self, cell: EntryId) -> bool:
        """Return whether states of this cell stand apart."""
        return cell in self._written

    def forget(self, cell: EntryId) -> Iterator[Entry]:
        """Yield what deletes the entries of a cell that is no more."""
        for slot in self._written.pop(cell, ()):
            yield self._key(slot, cell), None

    def load(self, aggregation: str, cell: EntryId, value: bytes | None) -> None:
        """Restore one entry; raise KeyError where no summary of this name may grow."""
        written = self._written.setdefault(cell, {})
        if value is None:
            written.pop(self._slots[aggregation], None)
        else:
            written[self._slots[aggregation]] = value

    def _key(self, slot: int, cell: EntryId) -> bytes:
        return entry_key(f"{self._prefix}/{self._growing[slot]}", cell)
