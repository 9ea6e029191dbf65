"""Event-time state: how far a table partition is in event time, and which rows no window took."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from dataflow.engine.tables.rows import FUTURE
from dataflow.engine.tables.windows import Window

LATEST: Final = 253_370_764_799_999
"""Event times after the year 9998 are of the future: calendars end with 9999."""


class EventTimeState(msgspec.Struct, array_like=True):
    """What a table partition knows beside its entries; one record in the changelog.

    `newest` is the highest event time so far in ms, -1 before the first; one that is ahead of its record
    timestamp or of the clock counts as that. `late` are the rows by window size that came after their
    window was closed, `late_until` the highest event time of these; `undated` and `future` the rows
    without a time that a window could take. `rolled_up` is by window size the instant in ms up to which
    windows are rolled up into those of the next size.
    """

    declared: str
    late: dict[str, int]
    newest: int = -1
    undated: int = 0
    future: int = 0
    late_until: dict[str, int] = {}
    rolled_up: dict[str, int] = {}

    def note_late(self, window: Window, times: Sequence[int]) -> None:
        """Count rows that came too late for windows of this size."""
        self.late_until[window.name] = max(self.last_late(window), *times)
        self.late[window.name] += len(times)

    def last_late(self, window: Window) -> int:
        """Return the highest event time in ms of a row that windows of this size lack; -1 for none."""
        # Of rows that came before this was noted only the number is known.
        unknown = self.newest if self.late.get(window.name) else -1
        return self.late_until.get(window.name, unknown)

    def note_undated(self, times: Sequence[int]) -> list[bool]:
        """Return of each row whether a window may take it; count the others."""
        if min(times) >= 0 and max(times) <= LATEST:
            return [True] * len(times)
        dated = [0 <= time <= LATEST for time in times]
        future = sum(time == FUTURE or time > LATEST for time in times)
        self.future += future
        self.undated += dated.count(False) - future
        return dated

    def watermark(self, lateness_ms: int | None) -> int:
        """Return the instant in ms up to which windows that have ended are closed; -1 for none."""
        if lateness_ms is None or self.newest < lateness_ms:
            return -1
        return self.newest - lateness_ms


def newest_before(advances: Sequence[int], newest: int) -> Iterator[int]:
    """Yield of each row how far event time was before it; `newest` is that before the first row."""
    # A time that no window takes moves nothing: negative, or beyond the calendars.
    return accumulate((at if at <= LATEST else -1 for at in advances), max, initial=newest)
