"""Entry size: about how many bytes of memory an entry takes, its key and its place included."""

from array import array
from typing import Final

from dataflow.engine.tables.window_entry import WindowEntry

KEY_BYTES: Final = 200
"""Of a key, its place in a dictionary, and an object."""

UNPACKED_BYTES: Final = 150
"""Of the objects that hold the states of an entry."""


def entry_bytes(entry: WindowEntry | bytes) -> int:
    """Return about how many bytes an entry takes, packed or not."""
    if isinstance(entry, bytes):
        return KEY_BYTES + len(entry)
    return KEY_BYTES + UNPACKED_BYTES + sum(map(_state_bytes, entry.states))


def _state_bytes(state: object) -> int:
    if isinstance(state, set):
        return 250 + 72 * len(state)  # numbers of eight bytes are objects of their own
    if isinstance(state, array):
        return 80 + 8 * len(state)
    if isinstance(state, dict):
        return 250 + 150 * len(state)
    return 40 if isinstance(state, int | float | str | None) else 5_000  # a sketch
