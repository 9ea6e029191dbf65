"""Bookings: the peers' job and the shipped flow; outputs and counts in, what is wrong with them out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from bookings import (
    DAY_SECONDS,
    HOUR_SECONDS,
    WindowEntry,
    bookings,
    count_cells,
    enriched,
    hotels_in_cells,
    times_each,
)
from cluster import Cluster
from flows.flow import Job, Shipped, differences, read_changelog
from inputs import BOOKINGS


class EnrichedStays(Job):
    """Job A1: every booking with its stay category."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        super().__init__(cluster, name, BOOKINGS, events)

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare the output with the bookings."""
        yield from booking_faults(self.cluster, self.output, self.events)


class HourlyStays(Job):
    """Job A2: the same, and a count per category in windows of an hour."""

    def __init__(self, cluster: Cluster, name: str, events: int, table: str | None = None) -> None:
        """Read the counts from the changelog of `table`, or from the file that the program writes."""
        super().__init__(cluster, name, BOOKINGS, events)
        self._table = table

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare the output with the bookings, and every count of every window."""
        yield from booking_faults(self.cluster, self.output, self.events)
        yield from differences("counts", self.counts(folder), count_cells(self.events, HOUR_SECONDS))

    def counts(self, folder: Path) -> Mapping[WindowEntry, int]:
        """Return what the program has counted, once it has ended."""
        return _written(folder) if self._table is None else self._recovered(self._table, folder)

    def _recovered(self, table: str, folder: Path) -> Mapping[WindowEntry, int]:
        found = read_changelog(self, (table,), folder)["stays_per_hour"]["hour"]
        return {cell: aggregations["count"] for cell, aggregations in found.items()}


class ShippedStays(Shipped):
    """The flow that Dataflow ships: two outputs, counts and different hotels per day and of all time."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        super().__init__(cluster, name, "expedia", {"expedia_ext": events, "expedia_test": events})
        self.events = events

    def prepare(self) -> None:
        """Make the topics anew, and fill the source."""
        super().prepare()
        self.cluster.fill(self.source, bookings(self.events))

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare both outputs, and all that the table counts."""
        yield from booking_faults(self.cluster, "expedia_ext", self.events)
        yield from self._stay_faults()
        tables = ("tables.stays_per_category:stays_per_category",)
        found = read_changelog(self, tables, folder)["stays_per_category"]
        for window, seconds in (("day", DAY_SECONDS), ("all", 0)):
            counts = count_cells(self.events, seconds)
            hotels = hotels_in_cells(self.events, seconds)
            expected = {
                cell: {"count": count, "distinct_hotels": hotels[cell]} for cell, count in counts.items()
            }
            yield from differences(f"table, window {window}", found[window], expected)

    def _stay_faults(self) -> Iterator[str]:
        expected: Counter[tuple[object, object]] = Counter()
        for number, times in times_each(self.events).items():
            booking = enriched()[number]
            expected[booking["hotel_id"], booking["stay_category"]] += times
        stays = map(orjson.loads, self.cluster.values("expedia_test"))
        found = Counter[tuple[object, object]]((stay["hotel_id"], stay["stay_category"]) for stay in stays)
        yield from differences("expedia_test", found, expected)


def booking_faults(cluster: Cluster, topic: str, events: int) -> Iterator[str]:
    """Compare every field of every booking in a topic with what must be there, each as often."""
    expected, seen, wrong = enriched(), Counter[int](), 0
    for row in map(orjson.loads, cluster.values(topic)):
        # stock Faust writes the time with a "T"
        row["date_time"] = row["date_time"].replace("T", " ")
        wrong += row != expected[row["id"]]
        seen[row["id"]] += 1
    if wrong:
        yield f"{topic}: {wrong} of {seen.total()} bookings differ"
    yield from differences(topic, seen, times_each(events))


def _written(folder: Path) -> Mapping[WindowEntry, int]:
    """Return the counts that the program has written when it ended."""
    written = folder / "counts.json"
    named = json.loads(written.read_text()) if written.exists() else {}
    cells = ((name.rpartition("|"), count) for name, count in named.items())
    return {(category, int(start)): count for (category, _, start), count in cells}
