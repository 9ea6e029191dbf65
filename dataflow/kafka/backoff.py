"""Backoff: how long to wait between two tries."""

from collections.abc import Iterator


def backoff(first_seconds: float = 0.2, longest_seconds: float = 5.0) -> Iterator[float]:
    """Yield the seconds to wait before each new try, without end: twice as long each time."""
    pause = first_seconds
    while True:
        yield pause
        pause = min(pause * 2, longest_seconds)
