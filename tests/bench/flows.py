"""The two flows that are measured: their topics made, and what came out compared with what must."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import orjson
from bookings import (
    DAY_SECONDS,
    HOUR_SECONDS,
    bookings,
    count_cells,
    enriched,
    hotels_in_cells,
    times_each,
)
from child import complete
from cluster import COMPACTED, Cluster

from dataflow.broker.ports import free_port

HERE = Path(__file__).parent


class Flow(Protocol):
    """What one run reads and writes."""

    source: str
    outputs: tuple[str, ...]
    group: str

    def prepare(self) -> None:
        """Make the topics, and fill the source."""

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what the program is told by environment variables."""

    def faults(self, folder: Path) -> Iterator[str]:
        """Yield in what the outputs and counts are not exact."""


class HourlyStays:
    """The peers' job: one output, and a count per category in windows of an hour."""

    def __init__(self, cluster: Cluster, name: str, events: int, table: str | None = None) -> None:
        self.source = f"bookings-{events}"
        self.group = name
        self.outputs = (f"{name}-out",)
        self._cluster, self._events, self._table = cluster, events, table

    def prepare(self) -> None:
        """Make the output and the changelog; all runs of one size read the same input."""
        self._cluster.make_topics(self.outputs)
        self._cluster.make_topics([f"{self.outputs[0]}-changelog"], COMPACTED)
        if self._table is not None:
            self._cluster.make_topics([f"{self.group}-dead-letters"])

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what all programs of this job are told."""
        return {
            "BROKER": self._cluster.address,
            "SOURCE": self.source,
            "OUTPUT": self.outputs[0],
            "GROUP": self.group,
            "FOLDER": str(folder),
            "COUNTS": str(folder / "counts.json"),
            "WEB_PORT": str(free_port()),
        }

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare the output with the bookings, and every count of every window."""
        yield from booking_faults(self._cluster, self.outputs[0], self._events)
        if self._table is not None:
            found = read_changelog(self._table, self.environment(folder))["hour"]
            counts = {cell: summaries["count"] for cell, summaries in found.items()}
        else:
            written = folder / "counts.json"
            named = json.loads(written.read_text()) if written.exists() else {}
            cells = ((name.rpartition("|"), count) for name, count in named.items())
            counts = {(category, int(start)): count for (category, _, start), count in cells}
        yield from differences("counts", counts, count_cells(self._events, HOUR_SECONDS))


class ShippedStays:
    """The flow that Dataflow ships: two outputs, counts and different hotels per day and of all time."""

    source, outputs = "expedia", ("expedia_ext", "expedia_test")

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        self.group = name
        self._cluster, self._events = cluster, events

    def prepare(self) -> None:
        """Make all topics of the program anew, and fill the source."""
        for topic in ("expedia", "cdn-logs", "raw-web-events", "enriched-web-events", "dead-letters"):
            self._cluster.delete_topics(topic)
        environment = complete(self.environment(Path.cwd()))
        subprocess.run([sys.executable, "-m", "dataflow", "topics"], env=environment, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        self._cluster.fill(self.source, bookings(self._events))

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return the settings of the worker."""
        return {
            "DATAFLOW_BROKER": self._cluster.address,
            "DATAFLOW_APP_ID": self.group,
            "DATAFLOW_DATA_DIR": str(folder),
            "DATAFLOW_WEB_PORT": str(free_port()),
            "DATAFLOW_LOG_LEVEL": "warning",
        }

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare both outputs, and all that the table counts."""
        yield from booking_faults(self._cluster, self.outputs[0], self._events)
        yield from self._stay_faults()
        table = "tables.stays_per_category:stays_per_category"
        found = read_changelog(table, self.environment(folder))
        for window, seconds in (("day", DAY_SECONDS), ("all", 0)):
            counts = count_cells(self._events, seconds)
            hotels = hotels_in_cells(self._events, seconds)
            expected = {
                cell: {"count": count, "distinct_hotels": hotels[cell]} for cell, count in counts.items()
            }
            yield from differences(f"table, window {window}", found[window], expected)

    def _stay_faults(self) -> Iterator[str]:
        expected: Counter[tuple[object, object]] = Counter()
        for number, times in times_each(self._events).items():
            booking = enriched()[number]
            expected[booking["hotel_id"], booking["stay_category"]] += times
        stays = (orjson.loads(message.value()) for message in self._cluster.read(self.outputs[1]))
        found = Counter((stay["hotel_id"], stay["stay_category"]) for stay in stays)
        yield from differences(self.outputs[1], found, expected)


def booking_faults(cluster: Cluster, topic: str, events: int) -> Iterator[str]:
    """Compare every field of every booking in a topic with what must be there, each as often."""
    expected, seen, wrong = enriched(), Counter(), 0
    for message in cluster.read(topic):
        row = orjson.loads(message.value())
        # stock Faust writes the time with a "T"
        row["date_time"] = row["date_time"].replace("T", " ")
        wrong += row != expected[row["id"]]
        seen[row["id"]] += 1
    if wrong:
        yield f"{topic}: {wrong} of {seen.total()} bookings differ"
    yield from differences(topic, seen, times_each(events))


def read_changelog(table: str, environment: Mapping[str, str]) -> dict[str, dict[tuple[str, int], object]]:
    """Return the cells of a table as a worker that takes over would have them, by window size."""
    told = subprocess.run(
        [sys.executable, str(HERE / "restored.py"), table],
        env=complete(environment), check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    windows: dict[str, dict[tuple[str, int], object]] = {}
    for window, start, key, summaries in orjson.loads(told.stdout):
        windows.setdefault(window, {})[key, start] = summaries
    return windows


def differences(
    what: str, found: Mapping[object, object], expected: Mapping[object, object]
) -> Iterator[str]:
    """Yield one line when two mappings are not equal."""
    wrong = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    if wrong:
        first = wrong[0]
        yield (
            f"{what}: {len(wrong)} of {len(expected)} are wrong, {first} is {found.get(first)}; "
            f"expected {expected.get(first)}"
        )
