"""Rules and tables of the CDN flow in one process, without Kafka: CPU, changelog records and bytes a line.

Run `python tests/bench/micro_state.py [LINES [LINES_PER_SECOND]]`. Batches are small, as those of
a live stream: 500 lines, and a snapshot every 1,500.
"""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

from dataflow.demo.generators.cdn_logs import CdnLogs
from dataflow.engine.tables import DAY, HOUR, MINUTE, Distinct, Quantiles, Sum, TablePartition, WindowedTable
from dataflow.stages.filter_document import load_document
from dataflow.stages.filter_rules import request_filter
from dataflow.stages.request import Request

BATCH, SNAPSHOT_EVERY = 500, 1_500
START_SECONDS = 1_431_857_100
RULES = load_document(Path(__file__).with_name("filter-rules.json"))
HOUR_MS, DAY_MS = HOUR.size_ms, DAY.size_ms
WINDOWS = (MINUTE.kept_for(6 * HOUR_MS), HOUR.kept_for(7 * DAY_MS), DAY.kept_for(90 * DAY_MS))
SUMS: dict[str, Any] = {"bytes": Sum("bytes"), "errors": Sum("is_error")}
CLIENTS: dict[str, Any] = {"distinct_clients": Distinct("client")}
TABLES = (
    WindowedTable(
        "requests_per_endpoint", key="endpoint", windows=WINDOWS, lateness_ms=HOUR_MS,
        response_time_ms=Quantiles("response_time_ms"), **SUMS, **CLIENTS,
    ),
    WindowedTable("requests_per_status", key="status", windows=WINDOWS, lateness_ms=HOUR_MS, **SUMS),
    WindowedTable(
        "requests_per_country", key="country", windows=WINDOWS, lateness_ms=HOUR_MS, **SUMS, **CLIENTS
    ),
    WindowedTable("top_clients", key="client", windows=WINDOWS, lateness_ms=HOUR_MS, **SUMS),
)  # fmt: skip


class RequestRows:
    """Requests as the columns that tables read."""

    def __init__(self, requests: list[Request]) -> None:
        self.times = self.advances = [request.at_ms for request in requests]
        self._requests = requests
        self._columns: dict[str, list[object]] = {}

    def column(self, name: str) -> list[object]:
        """Return one value per row; several tables read the same."""
        if name not in self._columns:
            self._columns[name] = list(map(attrgetter(name), self._requests))
        return self._columns[name]

    def __len__(self) -> int:
        return len(self.times)


def batches(lines: int, per_second: int) -> Iterator[list[bytes]]:
    """Yield log lines as a CDN with so many a second writes them."""
    generator, step_us = CdnLogs(random.Random(1), per_second), 1_000_000 // per_second
    for first in range(0, lines, BATCH):
        begin_us = START_SECONDS * 1_000_000 + first * step_us
        yield generator.lines([begin_us + number * step_us for number in range(BATCH)])


class Costs:
    """CPU seconds by step, and what was written."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.longest: defaultdict[str, float] = defaultdict(float)
        self.written: Counter[str] = Counter()
        self._begun = time.process_time()

    def step(self, name: str) -> None:
        """Count the time since the last step as that of this one."""
        now = time.process_time()
        took, self._begun = now - self._begun, now
        self.seconds[name] += took
        self.longest[name] = max(self.longest[name], took)

    def report(self, lines: int) -> None:
        """Print all of it per line."""
        for name in ("judge", "read", "fold", "snapshot"):
            us, longest_ms = self.seconds[name] / lines * 1e6, self.longest[name] * 1e3
            print(f"{name:10} {us:7.1f} us a line, longest {longest_ms:5.0f} ms")
        for name, number in self.written.items():
            print(f"{name:10} {number / lines:7.2f} a line")


def main(lines: int = 150_000, per_second: int = 1_000) -> None:
    """Run the flow and print its costs."""
    stage, costs = request_filter(RULES, None), Costs()
    partitions = [TablePartition(table) for table in TABLES]
    for number, raws in enumerate(batches(lines, per_second), 1):
        costs.step("generate")
        verdicts = stage.judge(raws)
        costs.step("judge")
        kept = [raw for raw, verdict in zip(raws, verdicts, strict=True) if verdict is None]
        rows = RequestRows(list(map(stage.read, kept)))
        costs.step("read")
        for partition in partitions:
            partition.fold(rows)
        costs.step("fold")
        if number * BATCH % SNAPSHOT_EVERY == 0:
            records = [record for partition in partitions for record in partition.snapshot()]
            costs.step("snapshot")
            costs.written["records"] += len(records)
            costs.written["bytes"] += sum(len(key) + len(value or b"") for key, value in records)
    costs.report(lines)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
