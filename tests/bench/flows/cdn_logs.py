"""CDN logs: the filter alone and the shipped flow; outputs and counts in, what is wrong with them out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from cdn_lines import RULES, cdn_lines, counted, kept
from cluster import Cluster
from flows.flow import Job, Shipped
from flows.request_tables import counted_faults, request_table_faults
from inputs import CDN_LINES


class FilteredLines(Job):
    """The filter alone: what passes five rules goes out byte for byte; nothing is counted."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        super().__init__(cluster, name, CDN_LINES, events)
        self.outputs = {self.output: sum(1 for _ in kept(events))}

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what all programs are told, and where the rules are."""
        return {**super().environment(folder), "RULES": str(RULES)}

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every line, byte for byte."""
        yield from kept_faults(self.cluster, self.output, self.events)


class FilteredAndCounted(FilteredLines):
    """The same and four of the tables, by a program that writes all it has counted to a file when it ends."""

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every line, and every count of every window; the sketches are its own."""
        yield from super().faults(folder)
        written = folder / "counts.json"
        cells = orjson.loads(written.read_bytes()) if written.exists() else []
        yield from counted_faults(cells, list(counted(self.events)))


class ShippedFilter(Shipped):
    """The flow that Dataflow ships: the same rules, and all tables, of which four are compared."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        outputs = {"cdn-logs-filtered": sum(1 for _ in kept(events))}
        super().__init__(
            cluster, name, "cdn-logs", outputs, filter_rules=str(RULES), open_roles="read,send,edit"
        )
        self.events = events

    def prepare(self) -> None:
        """Make the topics anew, and fill the source."""
        super().prepare()
        self.cluster.fill(self.source, cdn_lines(self.events))

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every line, byte for byte, and all that the tables count."""
        yield from kept_faults(self.cluster, "cdn-logs-filtered", self.events)
        yield from request_table_faults(self, list(counted(self.events)), folder)


def kept_faults(cluster: Cluster, topic: str, events: int) -> Iterator[str]:
    """Compare the lines in a topic with those that must be there, each as often."""
    seen = Counter(map(hash, cluster.values(topic)))
    expected = Counter(map(hash, kept(events)))
    wrong = sum(((expected - seen) + (seen - expected)).values())
    if wrong:
        yield f"{topic}: {wrong} of {expected.total()} lines are missing, or are there and should not"
