"""Instants: one way to write them, so that whoever compares two texts compares two times."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import Misconfigured
from dataflow.instants import instant_ms, iso, iso_or_none, range_ms

ROOT = Path(__file__).parents[2]
FORMATS_OF_OTHERS = {
    "dataflow/demo/generators/bookings.py",  # dates of stays
    "dataflow/demo/generators/times.py",  # as each kind of event has it
    "dataflow/instants.py",
    "dataflow/sinks/opensearch/indices.py",  # documents
    "dataflow/sinks/postgres/day_partitions.py",  # dates
    "dataflow/stages/access_log/examples.py",  # lines as servers write them
    "dataflow/stages/access_log/times.py",  # access-logs-parsed
    "dataflow/stages/event_time.py",  # access-logs-parsed, cdn-logs-parsed
}
YEAR_1, YEAR_10000 = -62_135_596_800_000, 253_402_300_800_000


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_769_860_800_000, "2026-01-31T12:00:00Z"),
        (1_769_860_800_001, "2026-01-31T12:00:00.001Z"),
        (1_769_860_800_120, "2026-01-31T12:00:00.120Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_are_written_where_there_are_some(at_ms, text):
    """Starts of windows are whole minutes: most texts are short."""
    assert iso(at_ms) == text


def test_no_instant_is_no_text():
    """JSON has null for it."""
    assert iso_or_none(None) is None
    assert iso_or_none(0) == "1970-01-01T00:00:00Z"


@given(st.integers(YEAR_1, YEAR_10000 - 1))
def test_what_is_written_is_read_back(at_ms):
    """An answer's instants can be asked for again, to the millisecond."""
    assert instant_ms(iso(at_ms)) == at_ms


def test_a_range_in_which_nothing_can_be_is_refused():
    """Who has swapped the two was shown an empty list."""
    assert range_ms("2026-01-31", None) == (instant_ms("2026-01-31"), None)
    assert range_ms(None, None) == (None, None)
    with pytest.raises(Misconfigured, match="--from is '2026-02-01'; expected an instant before --to"):
        range_ms("2026-02-01", "2026-02-01T00:00:00Z")


def test_nobody_else_writes_instants():
    """A second way is how `…00Z` and `….000Z` came to stand side by side."""
    writers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "dataflow").rglob("*.py")
        if any(way in path.read_text() for way in (".isoformat(", ".strftime(", "timespec="))
    }
    assert writers <= FORMATS_OF_OTHERS
