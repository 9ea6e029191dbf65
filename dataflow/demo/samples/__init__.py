"""Sample data: the name of a stream in, its events out, byte for byte."""

import gzip
import json
from importlib.resources import files
from pathlib import Path

_FILES = {
    "cdn-logs": "datastream2.ndjson.gz",
    "expedia": "bookings.ndjson.gz",
    "raw-web-events": "pageviews.ndjson.gz",
}

STREAMS = tuple(_FILES)


def sample_events(stream: str) -> list[bytes]:
    """Return the events of a source topic, in their order, without line ends."""
    return gzip.decompress((files(__name__) / _FILES[stream]).read_bytes()).splitlines()


def expected_stay_counts() -> dict[str, dict[str, int]]:
    """Return `count_all` and `count_distinct` (hotels) of the bookings by stay category."""
    counts: dict[str, dict[str, int]] = json.loads((files(__name__) / "expected_counts.json").read_bytes())
    return counts


def sample_filter_rules() -> Path:
    """Return the file of the example rules for the CDN filter."""
    return Path(__file__).with_name("filter-rules.json")
