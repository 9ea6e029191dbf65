"""Wanted workers: how many workers a load needs, so that each gets the same share of the partitions."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in, what is left to do, and what one worker does of it."""

    events_per_second: float
    lag_records: int
    capacity: float
    """Events a second of one worker; above 0."""
    catch_up_seconds: float
    """Within so long the lag is to be gone; above 0."""


def wanted_workers(load: Load, partitions: int) -> int:
    """Return the least number of workers that is enough and divides the partitions; at most one for each.

    A number in between would be no faster: the worker with the most partitions decides.
    """
    to_do = load.events_per_second + load.lag_records / load.catch_up_seconds
    needed = ceil(to_do / load.capacity)
    return next(
        (count for count in range(1, partitions) if partitions % count == 0 and count >= needed), partitions
    )
