"""`dataflow generate` without a broker: lines on stdout, progress on stderr."""

import json
import subprocess
import sys

import pytest


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "dataflow", "generate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_history_is_written_as_fast_as_it_goes():
    """A day of events in a moment; each carries its own time."""
    done = generate(
        "events", "--rate", "0.01", "--seconds", "86400", "--start", "2026-01-31", "--to", "stdout"
    )
    times = [json.loads(line)["created_on"] for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(times) == 864
    assert {time[:10] for time in times} == {"2026-01-31"}
    assert "864 events" in done.stderr


def test_live_events_come_at_the_time_they_carry():
    """Half a second takes half a second."""
    done = generate("access-logs", "--rate", "20", "--seconds", "0.5", "--to", "stdout")
    assert len(done.stdout.splitlines()) == 10
    assert float(done.stderr.split()[0]) >= 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clicks"], "KIND is 'clicks'; expected access-logs, bookings, cdn-logs, events or page-views"),
        (["events", "--start", "soon"], "--start is 'soon'; expected an ISO 8601 date or date-time"),
        (
            ["events", "--start", "0001-01-01"],
            "--start is '0001-01-01'; expected a run between the years 1971 and 9000",
        ),
        (
            ["events", "--start", "8999-12-31", "--seconds", "86401"],
            "--start is '8999-12-31'; expected a run between the years 1971 and 9000",
        ),
    ],
)
def test_a_wrong_wish_is_refused_with_what_would_do(arguments, message):
    """One line, exit code 2."""
    done = generate(*arguments)
    assert (done.returncode, done.stderr.strip()) == (2, message)
