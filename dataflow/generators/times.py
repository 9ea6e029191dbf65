"""Times: seconds since 1970 UTC in, their texts as the producers of each stream write them out."""

from datetime import UTC, datetime

from dataflow.stages.remembered import Remembered

SECOND_US = 1_000_000


def _second_text(pattern: str) -> "Remembered[int, bytes]":
    return Remembered(lambda second: datetime.fromtimestamp(second, UTC).strftime(pattern).encode())


SPACED = _second_text("%Y-%m-%d %H:%M:%S")
"""``2026-11-21 21:23:30``"""

ISO = _second_text("%Y-%m-%dT%H:%M:%S")
"""``2026-11-21T21:23:30``"""

LOGGED = _second_text("%d/%b/%Y:%H:%M:%S +0000")
"""``21/Nov/2026:21:23:30 +0000``"""
