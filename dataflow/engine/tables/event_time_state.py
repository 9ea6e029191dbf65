"""Event-time state: how far a table partition is in event time, and which rows no window took."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from dataflow.engine.tables.grouping import PreparedRows
from dataflow.engine.tables.rows import FUTURE
from dataflow.engine.tables.windows import Window

LATEST: Final = 253_370_764_799_999
"""Event times after the year 9998 are of the future: calendars end with 9999."""


class EventTimeState(msgspec.Struct, array_like=True):
    """What a table partition knows beside its entries; one record in the changelog.

    `newest` is the highest event time so far in ms, -1 before the first; `late` the rows by window
    size that came after their window was closed, `late_until` the highest event time of these;
    `undated` and `future` the rows without a time that a window could take.
    """

    declared: str
    late: dict[str, int]
    newest: int = -1
    undated: int = 0
    future: int = 0
    late_until: dict[str, int] = {}

    def note_late(self, window: Window, times: Sequence[int]) -> None:
        """Count rows that came too late for windows of this size."""
        self.late_until[window.name] = max(self.last_late(window), *times)
        self.late[window.name] += len(times)

    def last_late(self, window: Window) -> int:
        """Return the highest event time in ms of a row that windows of this size lack; -1 for none."""
        # Of rows that came before this was noted only the number is known.
        unknown = self.newest if self.late.get(window.name) else -1
        return self.late_until.get(window.name, unknown)

    def dated(self, batch: PreparedRows) -> PreparedRows:
        """Return the rows that a window may take; count the others."""
        if min(batch.times) >= 0 and max(batch.times) <= LATEST:
            return batch
        dated = batch.select([0 <= time <= LATEST for time in batch.times])
        future = sum(time == FUTURE or time > LATEST for time in batch.times)
        self.future += future
        self.undated += len(batch.times) - len(dated.times) - future
        return dated

    def watermark(self, lateness_ms: int | None) -> int:
        """Return the instant in ms up to which windows that have ended are closed; -1 for none."""
        if lateness_ms is None or self.newest < lateness_ms:
            return -1
        return self.newest - lateness_ms


def on_time(times: Sequence[int], window: Window, newest: int, lateness_ms: int) -> Iterator[bool]:
    """Yield of each row whether its window was still open when it came.

    `newest` is the highest event time before the first row.
    """
    size = window.size_ms
    before = accumulate(times, max, initial=newest)  # a row never closes its own window
    for time, newest_before in zip(times, before, strict=False):
        yield newest_before < time - time % size + size + lateness_ms
