"""The input of the benchmark: the sample bookings, repeated; in, what must come out of them.

The rules are written anew here: what is compared with them shares no code.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from itertools import cycle, islice

import orjson

from dataflow.demo.samples import sample_events

DAY_SECONDS, HOUR_SECONDS = 86_400, 3_600
LAST_NIGHT = ((0, "Erroneous data"), (4, "Short stay"), (10, "Standard stay"), (14, "Standard extended stay"))

WindowEntry = tuple[str, int]
"""Category, and start of the window in seconds since 1970 UTC."""


def bookings(events: int) -> Iterator[bytes]:
    """Yield so many bookings, the sample again and again."""
    return islice(cycle(sample_events("expedia")), events)


def category_of(check_in: str | None, check_out: str | None) -> str:
    """Return the stay category of two dates."""
    if check_in is None or check_out is None:
        return "Erroneous data"
    try:
        nights = (date.fromisoformat(check_out) - date.fromisoformat(check_in)).days
    except ValueError:
        return "Erroneous data"
    return next((name for most, name in LAST_NIGHT if nights <= most), "Long stay")


@cache
def enriched() -> dict[int, dict[str, object]]:
    """Return each booking as it must come out, by its number."""
    parsed = map(orjson.loads, sample_events("expedia"))
    return {
        booking["id"]: booking | {"stay_category": category_of(booking["srch_ci"], booking["srch_co"])}
        for booking in parsed
    }


def times_each(events: int) -> Counter[int]:
    """Return how often each booking is among so many, by its number."""
    return Counter(islice(cycle(enriched()), events))


def count_cells(events: int, window_seconds: int) -> dict[WindowEntry, int]:
    """Return the count of each category in each window; 0 seconds is all time."""
    return cells_of(times_each(events), window_seconds)


def cells_of(times_each: Mapping[int, int], window_seconds: int) -> dict[WindowEntry, int]:
    """Return the same for bookings that come so often each, by their number."""
    counts: Counter[WindowEntry] = Counter()
    for number, times in times_each.items():
        counts[_cell(enriched()[number], window_seconds)] += times
    return dict(counts)


def hotels_in_cells(events: int, window_seconds: int) -> dict[WindowEntry, int]:
    """Return how many different hotels each category has in each window."""
    hotels: dict[WindowEntry, set[object]] = {}
    for number in times_each(events):
        booking = enriched()[number]
        hotels.setdefault(_cell(booking, window_seconds), set()).add(booking["hotel_id"])
    return {cell: len(seen - {None}) for cell, seen in hotels.items()}


def _cell(booking: dict[str, object], window_seconds: int) -> WindowEntry:
    at = int(datetime.fromisoformat(str(booking["date_time"])).replace(tzinfo=UTC).timestamp())
    return str(booking["stay_category"]), at - at % window_seconds if window_seconds else 0
