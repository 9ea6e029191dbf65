"""Which days get a partition of their own in PostgreSQL, and how large its transactions are."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.sinks.postgres.batch_size import GOOD_BATCHES, MOST_ROWS, BatchSize
from dataflow.sinks.postgres.day_partitions import day_of_partition
from dataflow.sinks.postgres.partition_choice import (
    FAR_AT_ONCE,
    JOINED_AT_ONCE,
    MOST_MOVED_ROWS,
    MOST_PARTITIONS,
    NEAR_DAYS,
    WORTH_ROWS,
    days_to_create,
    days_to_join,
)

TODAY = date(2027, 1, 15)


def ago(*days: int) -> list[date]:
    """Return the days so many days ago."""
    return [TODAY - timedelta(days=number) for number in days]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("page_views_20270115", TODAY),
        ("page_views_default", None),
        ("page_views_20270231", None),
        ("page_views_00000000", None),
        ("page_views_2027w015", None),
        ("page_views_٢٠٢٧٠١١٥", None),
        ("20270115", TODAY),
    ],
)
def test_a_partition_whose_name_is_no_day_is_left_alone(name: str, day: date | None):
    """A person who had named one after a day that no calendar has ended every worker with this sink."""
    assert day_of_partition("page_views", name) == day


def test_a_few_days_of_a_batch_get_their_partitions_however_old_they_are():
    """A file of last year comes day by day: each day is whole, and left out where it is not asked for."""
    assert days_to_create(ago(0, 400, 401), 0, TODAY) == ago(401, 400, 0)


def test_a_batch_of_very_many_days_makes_those_that_are_near_alone():
    """5,000 partitions in one transaction never came through."""
    days = ago(*range(-2, 5_000))
    assert days_to_create(days, 0, TODAY) == sorted(ago(*range(-2, NEAR_DAYS + 1)))


def test_a_table_has_a_bounded_number_of_old_partitions_and_every_new_one():
    """Each takes three locks of a query that reads all; today is never refused."""
    few = ago(0, 100, 101, 102)
    assert days_to_create(few, MOST_PARTITIONS - 2, TODAY) == ago(100, 0)
    assert days_to_create(few, MOST_PARTITIONS, TODAY) == ago(0)


def test_days_that_are_near_or_have_many_rows_leave_the_default_partition():
    """The largest first; one whose move would lock it for minutes stays."""
    counts = {
        **dict(zip(ago(1, 2), (1, 2), strict=True)),
        **dict(zip(ago(100, 200, 300), (WORTH_ROWS, WORTH_ROWS - 1, WORTH_ROWS + 1), strict=True)),
        **dict(zip(ago(3, 400), (MOST_MOVED_ROWS + 1,) * 2, strict=True)),
    }
    assert days_to_join(counts, 0, TODAY) == ago(2, 1, 300, 100)
    assert days_to_join(counts, MOST_PARTITIONS, TODAY) == ago(2, 1)


@given(
    st.dictionaries(st.dates(date(1971, 1, 1), date(2027, 1, 17)), st.integers(1, 10**6)),
    st.integers(0, 2 * MOST_PARTITIONS),
)
def test_what_one_batch_and_one_run_of_the_maintenance_make_is_bounded(counts, existing):
    """Each is a transaction that others wait for."""
    made, joined = days_to_create(counts, existing, TODAY), days_to_join(counts, existing, TODAY)
    assert len(set(made)) == len(made) <= NEAR_DAYS + 3 + FAR_AT_ONCE
    assert len(set(joined)) == len(joined) <= JOINED_AT_ONCE
    assert {*made, *joined} <= counts.keys()


def test_a_batch_halves_to_a_single_row_and_grows_again_after_many_good_ones():
    """A server that is slow today is quick tomorrow; each try that is too large costs its timeout."""
    size = BatchSize()
    assert size.rows == MOST_ROWS
    sizes = []
    for rows in (10_000, 5_000, 2_500, 3, 1, 1):
        size.halve(rows)
        sizes.append(size.rows)
    assert sizes == [5_000, 2_500, 1_250, 1, 1, 1]
    for _ in range(GOOD_BATCHES * 3):
        size.passed(size.rows)
    assert size.rows == 8
    for _ in range(GOOD_BATCHES):
        size.passed(3)  # the end of a batch says nothing
    assert size.rows == 8
