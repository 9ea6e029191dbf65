"""The hot stages of three flows, each over a few lines, twice; `instructions.py` runs this under valgrind.

Before and after each second time it sets no tracer: a call that nothing else makes, by which
valgrind divides its account. Without valgrind it checks itself, and nothing else.
"""

import json
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import orjson
from access_lines import ASN, CITY, access_lines
from aiokafka.record.default_records import DefaultRecord
from bookings import bookings
from cdn_lines import RULES, cdn_lines

from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams import access_logs, cdn_logs
from dataflow.catalogue.streams import bookings as stays
from dataflow.engine.column_batch import ColumnBatch
from dataflow.engine.stage import Stage
from dataflow.engine.tables import TablePartition, WindowedTable
from dataflow.stages.access_log import access_log_stage
from dataflow.stages.filter_document import load_document
from dataflow.stages.filter_rules import request_filter
from dataflow.stages.geoip import GeoIP
from dataflow.stages.request import access_log_parsing
from dataflow.stages.stay_category import STAY_CATEGORY
from tables.requests_per_country import requests_per_country
from tables.requests_per_endpoint import requests_per_endpoint
from tables.requests_per_kind import requests_per_kind
from tables.requests_per_referer import requests_per_referer
from tables.requests_per_site import requests_per_site
from tables.requests_per_status import requests_per_status
from tables.stays_per_category import stays_per_category
from tables.top_clients import top_clients

EVENTS: Final = 500
NOW_MS: Final = 1_795_000_000_000
REQUESTS = (
    requests_per_endpoint,
    requests_per_status,
    requests_per_country,
    requests_per_kind,
    requests_per_site,
    requests_per_referer,
    top_clients,
)

Step = Callable[[], object]


def reference(raws: list[bytes]) -> Step:
    """Return what any program does with JSON: its instructions are the unit of the others."""
    return lambda: [orjson.dumps({**orjson.loads(raw), "stay_category": "Short stay"}) for raw in raws]


class Flow:
    """A stage, the values that it sends on, and the tables that count them, without Kafka."""

    def __init__(
        self, stream: Stream, raws: list[bytes], stage: Stage[Any], tables: list[WindowedTable]
    ) -> None:
        self._records = [DefaultRecord(n, NOW_MS, 0, None, raw, []) for n, raw in enumerate(raws)]
        self._stage, self._event_time = stage, stream.event_time
        self._partitions = [TablePartition(table) for table in tables]
        self.rows: ColumnBatch[Any] = ColumnBatch(stream.event_time, stage.columns)

    def apply(self) -> int:
        """Take the lines apart, and make what goes on of them."""
        self.rows = ColumnBatch(self._event_time, self._stage.columns)
        self._stage.apply(self._records, self.rows)
        self.rows.end_run(NOW_MS, NOW_MS)
        return len(self.rows.values()) + len(self.rows.dropped) + len(self.rows.rejected)

    def count(self) -> int:
        """Count them, as one batch."""
        self.rows.assign_event_times(0, 0)
        for partition in self._partitions:
            partition.fold(self.rows)
        return EVENTS

    def snapshot(self) -> int:
        """Make the changelog records of a checkpoint after this one batch."""
        assert [record for partition in self._partitions for record in partition.snapshot()]
        return EVENTS


def flows() -> dict[str, Flow]:
    """Return the three shipped flows, as far as they are CPU of ours."""
    requests = [counted.table for counted in REQUESTS]
    of_line = access_log_parsing(access_log_stage(None, GeoIP(CITY, ASN)))
    rules = request_filter(load_document(RULES), None)
    return {
        "bookings": Flow(stays.STREAM, [*bookings(EVENTS)], STAY_CATEGORY, [stays_per_category.table]),
        "access logs": Flow(access_logs.STREAM, [*access_lines(EVENTS)], of_line, requests),
        "CDN logs": Flow(cdn_logs.STREAM, [*cdn_lines(EVENTS)], rules, requests),
    }


def steps() -> dict[str, Step]:
    """Return what is counted, by name."""
    named: dict[str, Step] = {"reference": reference([*islice(bookings(EVENTS), EVENTS)])}
    for name, flow in flows().items():
        named |= {f"{name}: stage": flow.apply, f"{name}: tables": flow.count}
        named[f"{name}: snapshot"] = flow.snapshot
    return named


def main() -> None:
    """Do each step twice; the second time is between two marks. Print the names in their order."""
    named = steps()
    for _ in range(2):  # the first fills caches, and makes the windows
        for step in named.values():
            sys.settrace(None)
            step()
    sys.settrace(None)
    print(json.dumps(list(named)))


if __name__ == "__main__":
    main()
