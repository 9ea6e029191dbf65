"""Where an event's own time stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventTime:
    """A column with the event time, and how its values read.

    `parse` gives ms since 1970 UTC, or a negative number for what is no time.
    """

    column: str
    parse: Callable[[Any], int]  # of whatever type the column has
