"""Times: texts of event times as the producers of each stream write them, column by column."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat

from dataflow.stages.bounded_cache import BoundedCache

SECOND_US = 1_000_000


def _second_text(pattern: str) -> "BoundedCache[int, bytes]":
    return BoundedCache(lambda second: datetime.fromtimestamp(second, UTC).strftime(pattern).encode())


SPACED = _second_text("%Y-%m-%d %H:%M:%S")
"""``2026-11-21 21:23:30``"""

ISO = _second_text("%Y-%m-%dT%H:%M:%S")
"""``2026-11-21T21:23:30``"""

LOGGED = _second_text("%d/%b/%Y:%H:%M:%S +0000")
"""``21/Nov/2026:21:23:30 +0000``"""

_THOUSAND = [b"%03d" % number for number in range(1_000)]


def seconds_of(times_us: Sequence[int], texts: Mapping[int, bytes]) -> Iterable[bytes]:
    """Return the text of the second of each time; the times are in order, nearly always of one second."""
    first, last = times_us[0] // SECOND_US, times_us[-1] // SECOND_US
    return repeat(texts[first]) if first == last else [texts[time_us // SECOND_US] for time_us in times_us]


def milliseconds_of(times_us: Sequence[int]) -> list[bytes]:
    """Return the milliseconds of each time within its second, three digits."""
    return [_THOUSAND[time_us // 1_000 % 1_000] for time_us in times_us]


def microseconds_of(times_us: Sequence[int]) -> list[bytes]:
    """Return what lies below the milliseconds of each time, three digits."""
    return [_THOUSAND[time_us % 1_000] for time_us in times_us]
