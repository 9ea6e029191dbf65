"""Rollup: when windows are added to the window of the next larger size that holds them."""

from dataclasses import dataclass
from itertools import pairwise

from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.windows import Window


@dataclass(frozen=True, slots=True)
class RollupRule:
    """When the windows of one size are rolled up: once event time has left a whole `step_ms`.

    A large window is so written once, and not whenever one of its small windows ends. `grace_ms`
    is how much later that is, so that rows in slight disorder find their window not rolled up yet.
    `kept_ms` is how long after its end a window is kept; None: for ever. It is rolled up before.
    """

    window: Window
    step_ms: int
    grace_ms: int
    kept_ms: int | None

    def due(self, newest: int) -> int:
        """Return the instant in ms up to which windows are rolled up at this newest event time."""
        return max(self._left(newest), self._dropped(newest))

    def _left(self, newest: int) -> int:
        return _floor(newest - self.grace_ms, self.step_ms)

    def _dropped(self, newest: int) -> int:
        return 0 if self.kept_ms is None else _floor(newest - self.kept_ms, self.window.size_ms)

    def next_at(self, until: int) -> int:
        """Return the lowest newest event time in ms at which more than up to `until` is due."""
        return self._at(until, self.step_ms)

    def overdue_at(self, until: int) -> int:
        """Return the newest event time in ms at which more than up to `until` cannot wait any longer."""
        return self._at(until, 2 * self.step_ms)

    def _at(self, until: int, left_ms: int) -> int:
        at = _floor(until, self.step_ms) + left_ms + self.grace_ms
        if self.kept_ms is None:
            return at
        return min(at, until + self.window.size_ms + self.kept_ms)


def rollup_rules(table: WindowedTable) -> list[RollupRule]:
    """Return the rule of each window size of a table but the largest."""
    sizes = table.every_window
    return [
        RollupRule(
            window,
            step_ms=larger.size_ms or window.size_ms,
            grace_ms=sizes[0].size_ms,
            kept_ms=None if window.retention_ms is None else (table.lateness_ms or 0) + window.retention_ms,
        )
        for window, larger in pairwise(sizes)
    ]


def _floor(time_ms: int, step_ms: int) -> int:
    return max(time_ms - time_ms % step_ms, 0)
