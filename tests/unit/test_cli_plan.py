"""`dataflow plan`: reckons with what was measured, and says so."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from dataflow.cli.plan.figures import measured_figures
from dataflow.cli.plan.sizing import PARTITION_COUNTS, plan_of

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks.md"
FIGURES = measured_figures()
TIMES = 2.0
"""A new run on another machine is no reason to reckon anew; one that is twice as slow is."""


def plan(rate: float, stream: str = "access-logs") -> dict[str, float]:
    """Return the values of a plan by what is needed, with the default settings."""
    return {need.what: need.value for need in plan_of(stream, rate, FIGURES, 256 << 20, 32 << 20)}


def numbers_of(row: str) -> list[float]:
    """Return the numbers of a row of the benchmarks."""
    rows = [line for line in BENCHMARKS.read_text().splitlines() if line.startswith(f"| {row}")]
    assert rows, f"docs/benchmarks.md has no row that begins with {row}"
    found = re.findall(r"\d[\d,]*(?:\.\d+)?", rows[0].removeprefix(f"| {row}"))
    return [float(number.replace(",", "")) for number in found]


@pytest.mark.parametrize("stream", FIGURES.streams)
def test_what_is_reckoned_with_was_measured(stream: str):
    """A plan by figures of nobody knows when is a guess."""
    figures = FIGURES.streams[stream]
    for value in (figures.cpu_us, figures.broker_cpu_us):
        assert any(value / TIMES <= number <= value * TIMES for number in numbers_of(figures.row))


def test_speed_of_recovery_and_of_ingest_was_measured():
    """As above; a recovery is the time in which nothing is counted."""
    for row, value in (
        (FIGURES.recovery.row, FIGURES.recovery.entries_per_second),
        (FIGURES.ingest.row, FIGURES.ingest.cpu_us),
    ):
        assert any(value / TIMES <= number <= value * TIMES for number in numbers_of(row))


def test_a_plan_of_a_rate_is_what_the_figures_say():
    """100,000 lines a second of 19.64 µs are 1.96 cores: four workers at 60 % of a core."""
    assert plan(100_000) == {
        "enrich workers": 4,
        "to catch up with a minute of outage": 57.9,
        "partitions": 12,
        "memory limit of a worker": 576,
        "changelog written": 1853.9,
        "recovery without a disk, at most about": 17.3,
        "ingest workers": 2,
        "broker cores": 3,
    }


@pytest.mark.parametrize("stream", FIGURES.streams)
def test_more_events_never_need_less(stream: str):
    """And there are always two workers, with partitions for twice as many."""
    plans = [plan(rate, stream) for rate in (1, 500, 5_000, 20_000, 100_000, 1_000_000, 50_000_000)]
    for less, more in pairwise(plans):
        for what in ("enrich workers", "partitions", "ingest workers", "broker cores", "changelog written"):
            assert less[what] <= more[what]
    for each in plans:
        assert each["enrich workers"] >= 2
        assert each["partitions"] >= 2 * each["enrich workers"]
        assert each["partitions"] in PARTITION_COUNTS or each["partitions"] > PARTITION_COUNTS[-1]
