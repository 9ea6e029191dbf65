"""Inputs: how many events in, the events that all programs of one job read out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from access_lines import access_lines
from bookings import bookings
from cdn_lines import cdn_lines
from keyed_events import keyed_events


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


def keyed(keys: int) -> Input:
    """Return events with so many keys; at least as many events."""
    return Input(f"keyed-{keys}", partial(keyed_events, keys), max(400_000, keys))
