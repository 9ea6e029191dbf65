"""Windowed tables against a model: upkeep and answers in steps, whatever comes in between."""

from copy import deepcopy
from itertools import islice
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from table_model import Model, assert_equal, clocks, rows, table, timed, units
from table_parts import reader_of, totals_of
from table_rows import restored, unhurried, write

from dataflow.engine.tables import TablePartition, window_levels, window_reader
from dataflow.engine.tables.steps import finish

work = st.lists(
    st.tuples(st.just("rows"), rows, clocks)
    | st.tuples(st.just("steps"), st.integers(1, 9), st.none())
    | st.tuples(st.sampled_from(["snapshot", "restart", "kill"]), st.none(), st.none()),
    max_size=30,
)


class Worked:
    """A table partition beside its model, and what both were when the changelog was last written."""

    def __init__(self, lateness, unit):
        self.unit, self.changelog = unit, {}
        self.counted, self.model = TablePartition(table(lateness, unit)), Model(lateness)
        self.written, self.upkeep = deepcopy(self.model), self.counted.upkeep()

    def do(self, what, some, now):
        """Count rows, go some steps on with the upkeep, write, or begin anew from what is written."""
        if what == "rows":
            self.counted.fold(timed(some, self.unit, now))
            for row in some:
                self.model.add(row, now)
        if what == "steps":
            for _ in range(some):
                if next(self.upkeep, self.upkeep) is self.upkeep:
                    self.upkeep = self.counted.upkeep()
        if what in {"snapshot", "restart"}:
            write(self.counted, self.changelog, is_upkept=True)
            self.written = deepcopy(self.model)
        if what in {"restart", "kill"}:
            self.counted = restored(self.counted.table, self.changelog)
            self.model, self.upkeep = deepcopy(self.written), self.counted.upkeep()


@unhurried
@given(work, st.sampled_from([None, 0, 20]), units)
@example([("rows", [(210, "a", 1, 0), (250, "a", 1, 0), (265, "a", 1, 0)], None)], 20, 1)  # due, then dropped
def test_upkeep_in_steps_shows_in_no_number_whatever_comes_in_between(work, lateness, unit):
    """Rows, late ones too, checkpoints and kills come while windows are rolled up, sealed and packed."""
    worked = Worked(lateness, unit)
    with patch.object(window_levels, "ROLLED_UP_AT_ONCE", 0):  # all of it is left to upkeep
        for doing in work:
            worked.do(*doing)
            assert_equal(worked.counted, worked.model, unit)
    assert_equal(restored(worked.counted.table, worked.changelog), worked.written, unit)


@unhurried
@given(work, work, units)
def test_what_is_read_in_steps_has_every_row_that_was_counted_before_once(first, meanwhile, unit):
    """Rows come, and windows are rolled up and sealed, while an answer is read."""
    worked, meanwhile = (
        Worked(None, unit),
        [doing for doing in meanwhile if doing[0] not in {"restart", "kill"}],
    )
    with (
        patch.object(window_levels, "ROLLED_UP_AT_ONCE", 0),
        patch.object(window_reader, "ENTRIES_AT_ONCE", 1),
    ):
        for doing in first:
            worked.do(*doing)
        for window in worked.counted.table.every_window:
            reader, read, rest = reader_of(worked.counted), None, iter(meanwhile)
            [before] = finish(reader.states(window, (0, None), (1,)))
            steps = reader.states(window, (0, None), (1,))
            while read is None:
                try:
                    next(steps)
                except StopIteration as done:
                    [read] = done.value
                for doing in islice(rest, 1):
                    worked.do(*doing)
            [after] = totals_of(worked.counted, window, None, None, ("count",)).by_aggregation
            assert before.keys() <= read.keys() <= after.keys()
            assert all(before.get(key, 0) <= read[key] <= after[key] for key in read)


@pytest.mark.parametrize("is_upkept", [False, True])
def test_much_is_rolled_up_in_steps_and_at_once_only_when_it_is_late(is_upkept):
    """An hour of many keys must not hold up the rows of all partitions."""
    table_partition = TablePartition(table(20, unit=1_000))
    table_partition.fold(
        timed([(time, f"page {n}", 1, 1) for time in range(0, 40, 10) for n in range(100)], 1_000)
    )
    rolled_up = table_partition.event_time.rolled_up

    table_partition.fold(timed([(51, "a", 1, 1)], 1_000))
    assert rolled_up.get("of_10", 0) == 0
    steps = sum(1 for _ in table_partition.upkeep()) if is_upkept else 0
    assert rolled_up.get("of_10", 0) == (40_000 if is_upkept else 0)
    assert (steps > 5) == is_upkept
    table_partition.fold(timed([(91, "a", 1, 1)], 1_000))
    assert rolled_up["of_10"] == 80_000
