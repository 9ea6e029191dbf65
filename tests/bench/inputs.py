"""Inputs: how many events in, the events that all programs of one job read out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from access_lines import access_lines
from bookings import bookings
from cdn_lines import cdn_lines


@dataclass(frozen=True)
class Input:
    """Events of one kind, and how many of them a full run takes."""

    name: str
    make: Callable[[int], Iterator[bytes]]
    events: int

    def topic(self, events: int) -> str:
        """Return the topic that so many of them are read from, by every run again."""
        return f"{self.name}-{events}"


BOOKINGS = Input("bookings", bookings, 400_000)
ACCESS_LINES = Input("access-lines", access_lines, 400_000)
CDN_LINES = Input("cdn-lines", cdn_lines, 400_000)
