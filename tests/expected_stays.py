"""What the sample bookings come to: counted once, by hand and machine, with the data."""

import json
from pathlib import Path

_FILE = Path(__file__).with_name("data") / "stays" / "expected_counts.json"


def expected_stay_counts() -> dict[str, dict[str, int]]:
    """Return `count_all` and `count_distinct` (hotels) of the sample bookings by stay category, exactly."""
    counts: dict[str, dict[str, int]] = json.loads(_FILE.read_bytes())
    return counts
