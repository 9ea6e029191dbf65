"""Keyed events: every one comes out marked, and every key of the hour is counted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
from cluster import Cluster
from flows.flow import Job, differences, read_changelog
from inputs import keyed
from keyed_events import HOUR_START, key_of


class CountedKeys(Job):
    """Job K: one output, and a count per key in a window of an hour."""

    def __init__(self, cluster: Cluster, name: str, events: int, keys: int) -> None:
        super().__init__(cluster, name, keyed(keys), events)
        self._keys = keys

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare how often each key came out, and how often it was counted."""
        expected = Counter(key_of(self._keys, number) for number in range(self.events))
        seen: Counter[str] = Counter()
        for row in map(orjson.loads, self.cluster.values(self.output)):
            seen[row["key"]] += row["counted"]
        yield from differences(self.output, seen, expected)
        found = read_changelog(self, ("count_keys:events_per_key",), folder)["events_per_key"]["hour"]
        counts = {key: told["count"] for (key, start), told in found.items() if start == HOUR_START}
        yield from differences("counts", counts, expected)
