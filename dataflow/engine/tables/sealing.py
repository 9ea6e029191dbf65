"""Sealing: which windows are packed, and which of these are sealed."""

from collections.abc import Collection, Iterator
from typing import Final

from dataflow.engine.tables.stored_window import StoredWindow

QUIET_MS: Final = 60_000
"""How far event time goes on without a row for a window before the window is packed."""

WORTH_SEALING: Final = 8
"""A window that was sealed before is sealed again once one in so many of its entries has changed."""

SEALED_AT_ONCE: Final = 5_000
"""Entries after which further windows wait: what is sealed is written with one checkpoint."""

MANY_OPEN: Final = 100
"""Windows that never close, and are more than this, get events in any order: each may get the next row."""

INDEX_BYTES: Final = 1_000
"""Memory of a window, beside its entries."""

FEWEST_KEPT: Final = 100
"""So many keys a window always keeps, however little memory there is."""


def quiet_windows(windows: Collection[StoredWindow], newest: int) -> list[StoredWindow]:
    """Return the windows that no row has come for of late, by event time."""
    return [w for w in windows if newest >= w.touched_at + QUIET_MS]


def windows_to_seal(quiet: Collection[StoredWindow], size_ms: int, watermark: int) -> Iterator[StoredWindow]:
    """Yield the quiet windows that are closed or worth it, as many as one checkpoint should write."""
    sealed = 0
    for window in quiet:
        is_closed = 0 < size_ms <= watermark - window.start
        changed, unchanged = len(window.entries), window.sealed.count
        if sealed < SEALED_AT_ONCE and (is_closed or changed * WORTH_SEALING >= unchanged):
            sealed += len(window)
            yield window
