from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks.sink_records import a_record

from dataflow.sinks.postgres.rows import day_of, event_time

ARRIVED_MS = 1_800_000_000_000
ARRIVED = date(2027, 1, 15)


@pytest.mark.parametrize(
    ("event_at", "day"),
    [
        (datetime(2015, 5, 17, 23, 59, 59, tzinfo=UTC), date(2015, 5, 17)),
        (datetime(1971, 1, 1, tzinfo=UTC), date(1971, 1, 1)),
        (datetime(1970, 12, 31, tzinfo=UTC), ARRIVED),
        (datetime(2027, 1, 16, 8, 0, 0, tzinfo=UTC), date(2027, 1, 16)),
        (datetime(2027, 1, 16, 8, 0, 1, tzinfo=UTC), ARRIVED),
        (datetime(9999, 12, 31, tzinfo=UTC), ARRIVED),
        (None, ARRIVED),
    ],
)
def test_the_day_is_that_of_the_event_or_else_that_of_its_arrival(event_at, day):
    """A wrong clock must not make a partition for every day until the year 9999."""
    assert day_of(event_at, a_record(0, None, ARRIVED_MS)) == day


@given(st.none() | st.datetimes(timezones=st.just(UTC)), st.integers(-(2**63), 2**63 - 1))
def test_every_record_has_a_day_whatever_its_times_say(event_at, timestamp):
    """A record without any sensible time is of 1970."""
    assert date(1970, 1, 1) <= day_of(event_at, a_record(0, None, timestamp))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (None, None),
        ("2015-05-17T10:05:03Z", datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)),
        ("2015-05-17 10:05:03", datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)),
        ("2015-05-17T00:05:03.250+02:00", datetime(2015, 5, 16, 22, 5, 3, 250_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_utc_where_it_names_no_offset(text, instant):
    """As everywhere in the events."""
    assert event_time(text) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2015-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00"])
def test_a_text_that_is_no_time_is_null_and_its_row_is_stored(text):
    """Tables count the event, and both must agree on which events count."""
    assert event_time(text) is None
