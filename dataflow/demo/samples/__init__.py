"""Sample data: events of three source topics, byte for byte, and an example of filter rules."""

import gzip
from importlib.resources import files
from pathlib import Path

_FILES = {
    "cdn-logs": "datastream2.ndjson.gz",
    "expedia": "bookings.ndjson.gz",
    "raw-web-events": "pageviews.ndjson.gz",
}

SAMPLE_TOPICS = tuple(_FILES)


def sample_events(topic: str) -> list[bytes]:
    """Return the events of a source topic, in their order, without line ends."""
    return gzip.decompress((files(__name__) / _FILES[topic]).read_bytes()).splitlines()


def sample_filter_rules() -> Path:
    """Return the file of the example rules for the CDN filter."""
    return Path(__file__).with_name("filter-rules.json")
