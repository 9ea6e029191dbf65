"""Access logs: the peers' job and the shipped flow; outputs and counts in, what is wrong with them out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import orjson
from access_lines import ASN, CITY, Told, access_lines, bots, broken, counted, parsed
from cluster import Cluster
from flows.flow import Job, Shipped, differences
from flows.request_tables import request_table_faults
from inputs import ACCESS_LINES

BY_HAND = (
    "ip", "method", "protocol", "status", "referer", "user_agent", "ua_os", "ua_browser", "country",
)  # fmt: skip
"""What the hand-written loop tells in the same words; it keeps the query with the endpoint."""

WITHOUT_AGENT = tuple(name for name in BY_HAND if not name.startswith("ua_"))
"""What is told by a peer that has no parser of user agents, or another edition of its list."""


class ParsedLines(Job):
    """The peers' job: parse, user agent, country, JSON out; nothing is counted."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        super().__init__(cluster, name, ACCESS_LINES, events)
        self.outputs = {self.output: events - broken(events)}

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every field of every line, and count the dead letters."""
        yield from parsed_faults(self.cluster, self.output, self.events)
        yield from dead_letter_faults(self.cluster, f"{self.group}-dead-letters", self.events)


class LinesByHand(ParsedLines):
    """The same job by a program that leaves out what it cannot parse, and tells less of the rest."""

    def __init__(self, cluster: Cluster, name: str, events: int, fields: tuple[str, ...] = BY_HAND) -> None:
        """Compare time, endpoint, bytes and these fields."""
        super().__init__(cluster, name, events)
        self._fields = fields

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what all programs are told, and where the places are."""
        return {**super().environment(folder), "CITY": str(CITY)}

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every field that it writes."""
        found = map(orjson.loads, self.cluster.values(self.output))
        expected = Counter[object](self._told(at.isoformat(), told) for at, told in parsed(self.events))
        yield from differences(
            self.output, Counter[object](self._told(row["ts"], row) for row in found), expected
        )

    def _told(self, ts: str, told: Told) -> tuple[object, ...]:
        target = f"{told['endpoint']}?{told.get('query') or ''}".removesuffix("?")
        fields = (_known(told[name]) for name in self._fields)
        return ts.replace("Z", "+00:00"), target.removesuffix("?"), told["bytes"] or 0, *fields


class ShippedLines(Shipped):
    """The flow that Dataflow ships: every field, and all tables, of which four are compared."""

    def __init__(self, cluster: Cluster, name: str, events: int) -> None:
        outputs = {"access-logs-parsed": events - broken(events)}
        super().__init__(cluster, name, "access-logs", outputs, geoip_city=str(CITY), geoip_asn=str(ASN))
        self.events = events

    def prepare(self) -> None:
        """Make the topics anew, and fill the source."""
        super().prepare()
        self.cluster.fill(self.source, access_lines(self.events))

    def faults(self, folder: Path) -> Iterator[str]:
        """Compare every field of every line, the dead letters, and all that the tables count."""
        yield from parsed_faults(self.cluster, "access-logs-parsed", self.events)
        yield from dead_letter_faults(self.cluster, "dead-letters", self.events)
        yield from request_table_faults(self, list(counted(self.events)), folder)


def parsed_faults(cluster: Cluster, topic: str, events: int) -> Iterator[str]:
    """Compare every line in a topic with what must be there, each as often; bots may be more than known."""
    seen, missed = Counter[int](), 0
    for row in map(orjson.loads, cluster.values(topic)):
        missed += not row.pop("is_bot") and row["user_agent"] in bots()
        seen[hash(orjson.dumps(row))] += 1
    if missed:
        yield f"{topic}: {missed} bots are not told as such"
    expected = Counter(hash(orjson.dumps(_with_time(at, told))) for at, told in parsed(events))
    wrong = sum(((expected - seen) + (seen - expected)).values())
    if wrong:
        yield f"{topic}: {wrong} of {events} lines are missing or differ"


def dead_letter_faults(cluster: Cluster, topic: str, events: int) -> Iterator[str]:
    """Count the dead letters."""
    found, expected = sum(1 for _ in cluster.read(topic)), broken(events)
    if found != expected:
        yield f"{topic} has {found} dead letters; expected {expected}"


def _with_time(at: datetime, told: Told) -> Told:
    return {"ip": told["ip"], "ts": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **told}


def _known(value: object) -> object:
    return None if value in ("-", "", "Other") else value
