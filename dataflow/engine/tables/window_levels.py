"""Window levels: the window stores of one table partition, the smallest size first."""

from collections.abc import Iterator, Sequence
from itertools import compress
from math import inf
from operator import and_, not_, or_
from typing import Final

from dataflow.engine.tables.changelog import ChangelogRecord
from dataflow.engine.tables.chunks import Chunks
from dataflow.engine.tables.event_time_state import LATEST, EventTimeState, newest_before
from dataflow.engine.tables.grouping import Groups, PreparedRows, coarsen, group
from dataflow.engine.tables.rollup import rollup_rules
from dataflow.engine.tables.rows import Rows
from dataflow.engine.tables.steps import Steps, finish
from dataflow.engine.tables.table import WindowedTable
from dataflow.engine.tables.window_store import Loader, WindowStore
from dataflow.engine.tables.windows import Window

ROLLED_UP_AT_ONCE: Final = 300
"""Entries that are rolled up when a row makes them due; it takes some ms."""


class WindowLevels:
    """Adds each row to its smallest window only; larger windows take over whole smaller ones later.

    The instant up to which they have done so is `EventTimeState.rolled_up`. A row from before it is
    added to the window of the next size as well, and so on. What a larger window lacks behind it
    is read from the smaller ones (`parts_of`).
    """

    def __init__(self, table: WindowedTable, event_time: EventTimeState, chunks: Chunks) -> None:
        self.stores = tuple(WindowStore(table, window, chunks) for window in table.every_window)
        self._key = table.key
        self._lateness_ms = table.lateness_ms
        self._rules = rollup_rules(table)
        self.restore(event_time)

    def restore(self, event_time: EventTimeState) -> None:
        """Go on from this event-time state."""
        self.event_time = event_time
        self._rolled_up = [event_time.rolled_up.get(rule.window.name, 0) for rule in self._rules]
        self._due = list(self._rolled_up)
        self._due_at = self._next_rollup()

    @property
    def watermark(self) -> int:
        """The instant in ms up to which windows that have ended are closed; -1 for none."""
        return self.event_time.watermark(self._lateness_ms)

    def kept_from(self, window: Window) -> int:
        """Return the instant in ms from which windows are kept; 0 or less while none has been dropped."""
        if window.retention_ms is None:
            return 0
        return self.watermark - window.retention_ms - window.size_ms + 1

    def store_of(self, window: Window) -> WindowStore:
        """Return the store of the windows of this size."""
        return next(store for store in self.stores if store.window.name == window.name)

    def parts_of(self, window: Window) -> Iterator[tuple[WindowStore, int]]:
        """Yield the stores that hold rows of these windows, each with the first start from which it does."""
        for store, rolled_up in zip(self.stores, [*self._rolled_up, 0], strict=True):
            if store.window.name == window.name:
                yield store, 0
                return
            yield store, rolled_up

    def rewind(self, newest: int) -> None:
        """Go back to this newest event time, from one that lay ahead of all clocks."""
        self.event_time.newest = newest
        for level, (rule, until) in enumerate(zip(self._rules, self._rolled_up, strict=True)):
            rolled_up = [
                window.start + rule.window.size_ms for window in self.stores[level].between(0, until)
            ]
            self._rolled_up[level] = min(until, max([rule.due(newest), *rolled_up]))
            self.event_time.rolled_up[rule.window.name] = self._rolled_up[level]
        self._due = list(self._rolled_up)
        self._due_at = self._next_rollup()

    def fold(self, rows: Rows) -> None:
        """Add rows in log order; how they are cut into batches changes nothing."""
        for run, advances in self._runs(self.stores[0].format.prepare(rows, self._key), rows.advances):
            self._fold_run(run, advances)
            self._drop_old()

    def _runs(
        self, rows: PreparedRows, advances: Sequence[int]
    ) -> Iterator[tuple[PreparedRows, Sequence[int]]]:
        """Yield rows between which nothing is rolled up: in any batch a row finds the same windows."""
        begin = 0
        if max(advances) >= self._due_at:
            for index, at in enumerate(advances):
                if self._due_at <= at <= LATEST:
                    if begin < index:
                        yield rows.between(begin, index), advances[begin:index]
                    begin = index
                    self._roll_up(at)
        yield (rows.between(begin, len(advances)), advances[begin:]) if begin else (rows, advances)

    def _roll_up(self, newest: int) -> None:
        """Roll up what is due before a row with this new highest event time is added.

        What is much is left to `upkeep`, unless it is late already: then the rows must wait.
        """
        self._due = [rule.due(newest) for rule in self._rules]
        self._due_at = self._next_rollup()
        points = zip(self._rules, self._rolled_up, strict=True)
        overdue_at = min((rule.overdue_at(until) for rule, until in points), default=inf)
        for level in range(len(self._rules)):
            entries = sum(map(len, self.stores[level].between(self._rolled_up[level], self._due[level])))
            if entries > ROLLED_UP_AT_ONCE and newest < overdue_at:
                self._due_at = min(self._due_at, overdue_at)
                return  # larger windows wait for these
            while self._rolled_up[level] < self._due[level]:
                finish(self._roll_up_next(level))

    def upkeep(self) -> Steps[None]:
        """Roll up what is due, then seal and pack windows without new rows; all of it in steps."""
        for level in range(len(self._rules)):
            while self._rolled_up[level] < self._due[level]:
                if not (yield from self._roll_up_next(level)):
                    return  # rows have come for these windows: they are as they were, another time
        for store in self.stores:
            yield from store.upkeep(self.event_time.newest, self.watermark)

    def _roll_up_next(self, level: int) -> Steps[bool]:
        """Add windows of a level to the next larger one; return False, and do nothing, if they change."""
        store, larger = self.stores[level], self.stores[level + 1].window
        begin, until = self._rolled_up[level], self._due[level]
        first = next(iter(store.between(begin, until)), None)
        if first is not None:
            larger_start = larger.start_of(first.start)
            until = min(until, larger_start + larger.size_ms) if larger.size_ms else until
            nearest, *others = self._receivers_of(level, larger_start)
            steps = [
                above.limit.absorb(above.window.start_of(larger_start), lambda: store.between(begin, until))
                for above in (nearest, *others)
            ]
            if others:  # no other work may come in between
                all(map(finish, steps))
            elif not (yield from steps[0]):
                return False
        self._rolled_up[level] = self.event_time.rolled_up[self._rules[level].window.name] = until
        return True

    def _receivers_of(self, level: int, larger_start: int) -> Iterator[WindowStore]:
        """Yield the next larger store; if that has given away this window, the one above it, too."""
        for above in range(level + 1, len(self.stores)):
            yield self.stores[above]
            if above == len(self._rules):
                return
            if self.stores[above].window.start_of(larger_start) >= self._rolled_up[above]:
                return  # what is above that takes it over with this window

    def _next_rollup(self) -> float:
        points = zip(self._rules, self._due, strict=True)
        return min((rule.next_at(until) for rule, until in points), default=inf)

    def _fold_run(self, rows: PreparedRows, advances: Sequence[int]) -> None:
        event_time, smallest = self.event_time, self.stores[0]
        oldest, newest_before_rows, newest = min(rows.times), event_time.newest, max(advances)
        if oldest >= 0 and max(rows.times) <= LATEST:
            event_time.newest = max(newest_before_rows, newest)
            if oldest >= max(self._rolled_up[:1], default=0) and not self._is_late(smallest.window, oldest):
                smallest.limit.fold(group(rows, smallest.window), rows)
                return
            if self._lateness_ms is None:
                self._fold_in_time(rows)
                return
        self._fold_by_level(rows, advances, newest_before_rows)

    def _fold_in_time(self, rows: PreparedRows) -> None:
        """Add rows, none of which can be late, to every window up to one that is not rolled up yet."""
        for store, rolled_up in zip(self.stores, [*self._rolled_up, 0], strict=True):
            store.limit.fold(group(rows, store.window), rows)
            if min(rows.times) >= rolled_up:
                return
            rows = rows.select([time < rolled_up for time in rows.times])

    def _is_late(self, window: Window, time: int) -> bool:
        return bool(window.size_ms) and window.start_of(time) + window.size_ms <= self.watermark

    def _fold_by_level(self, rows: PreparedRows, advances: Sequence[int], newest: int) -> None:
        """Add each row to every window that takes it, up to one that is not rolled up yet."""
        dated = self.event_time.note_undated(rows.times)
        self.event_time.newest = max([newest, *compress(advances, dated)])
        # A row never closes its own window: what counts is what came before it.
        before = [] if self._lateness_ms is None else list(newest_before(advances, newest))
        missing: Sequence[bool] = dated  # rows that no window has from which larger ones take them over
        mask: Sequence[bool] = []
        groups: Groups | None = None
        for store, rolled_up in zip(self.stores, [*self._rolled_up, inf], strict=True):
            if store.window.size_ms:
                on_time = self._on_time(store.window, rows.times, before, missing)
            else:
                on_time = list(map(or_, missing, map(not_, dated)))
            if any(on_time):
                some = rows.select(on_time)
                same = groups if on_time == mask else None
                groups = coarsen(some, same, store.window) if same else group(some, store.window)
                store.limit.fold(groups, some)
            mask, is_open = on_time, [time >= rolled_up for time in rows.times]
            missing = list(map(and_, missing, map(not_, map(and_, on_time, is_open))))

    def _on_time(
        self, window: Window, times: Sequence[int], before: Sequence[int], missing: Sequence[bool]
    ) -> Sequence[bool]:
        """Return which of the missing rows came while their window was open; count those that did not."""
        if self._lateness_ms is None:
            return missing
        size, kept_open_ms = window.size_ms, window.size_ms + self._lateness_ms
        is_open = [at < time - time % size + kept_open_ms for time, at in zip(times, before, strict=False)]
        late = [
            time
            for time, is_missing, ok in zip(times, missing, is_open, strict=True)
            if is_missing and not ok
        ]
        if late:
            self.event_time.note_late(window, late)
        return list(map(and_, missing, is_open))

    def snapshot(self) -> list[ChangelogRecord]:
        """Return the records of what has changed since the last snapshot."""
        return [record for store in self.stores for record in store.snapshot(self.event_time.newest)]

    def loaders(self) -> dict[bytes, Loader]:
        """Return what restores records of windows, by the second part of their keys."""
        by_name = {name: load for store in self.stores for name, load in store.loaders().items()}
        return {name.encode(): load for name, load in by_name.items()}

    def rolled_up_in_version_0(self, newest: int) -> dict[str, int]:
        """Return up to where windows are rolled up if all of them hold every row, as in version 0."""
        windows = [rule.window for rule in self._rules]
        return {w.name: w.start_of(newest) + w.size_ms for w in windows} if newest >= 0 else {}

    def _drop_old(self) -> None:
        for store in self.stores:
            if store.window.retention_ms is not None:
                store.drop_before(self.kept_from(store.window))
