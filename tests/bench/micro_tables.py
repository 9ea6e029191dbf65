"""Windowed tables alone: rows in memory in, nanoseconds per row and per entry out.

Run `python tests/bench/micro_tables.py`; the best of several rounds counts.
"""

import random
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from dataflow.engine.tables import DAY, HOUR, Distinct, Sum, TablePartition, WindowedTable
from dataflow.engine.tables.weighted_cache import WeightedCache
from dataflow.engine.tables.window_reader import WindowReader

BATCHES, BATCH_ROWS = 50, 2_000
EVENTS = BATCHES * BATCH_ROWS
YEAR_MS = 365 * DAY.size_ms
CATEGORIES = ("Short stay", "Standard stay", "Standard extended stay", "Long stay", "Erroneous data")
HOTELS = [3_033_000_000_000 + 7_919 * n for n in range(2_494)]


class ColumnRows:
    """Rows whose columns are lists."""

    def __init__(self, times: list[int], **columns: Sequence[object]) -> None:
        self.times = self.advances = times
        self._columns = columns

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row."""
        return self._columns[name]

    def decoded(self) -> "ColumnRows":
        """Return the same rows with numbers of their own, as a decoder makes them."""
        columns = {name: [_decoded(v) for v in values] for name, values in self._columns.items()}
        return ColumnRows([time + 0 for time in self.times], **columns)

    def __len__(self) -> int:
        return len(self.times)


def _decoded(value: object) -> object:
    return value + 0 if isinstance(value, int) else value


def stays(span_ms: int) -> list[ColumnRows]:
    """Return batches of bookings with event times anywhere in a span."""
    dice = random.Random(1)
    return [
        ColumnRows(
            [dice.randrange(span_ms) for _ in range(BATCH_ROWS)],
            stay_category=dice.choices(CATEGORIES, k=BATCH_ROWS),
            hotel_id=dice.choices(HOTELS, k=BATCH_ROWS),
        )
        for _ in range(BATCHES)
    ]


def requests(endpoints: int) -> list[ColumnRows]:
    """Return batches of requests, two seconds of event time each."""
    dice = random.Random(2)
    paths = [f"/titles/{n}/segments/video.m4s" for n in range(endpoints)]
    return [
        ColumnRows(
            [2_000 * n + dice.randrange(2_000) for _ in range(BATCH_ROWS)],
            endpoint=[paths[int(endpoints * dice.random() ** 3)] for _ in range(BATCH_ROWS)],
            bytes=[dice.randrange(10**6) for _ in range(BATCH_ROWS)],
            is_error=[dice.random() < 0.02 for _ in range(BATCH_ROWS)],
        )
        for n in range(BATCHES)
    ]


def stays_per_category() -> WindowedTable:
    """Return the table of bookings."""
    return WindowedTable(
        "stays_per_category", key="stay_category", windows=(DAY,), distinct_hotels=Distinct("hotel_id")
    )


def requests_per_endpoint(max_keys: int) -> WindowedTable:
    """Return the table of requests, which has all four window sizes and two sums."""
    return WindowedTable(
        "requests_per_endpoint",
        key="endpoint",
        lateness_ms=60_000,
        max_keys=max_keys,
        bytes=Sum("bytes"),
        errors=Sum("is_error"),
    )


STAYS = stays_per_category()


def best(work: Callable[[], float], rounds: int = 5) -> float:
    """Return the shortest of several times in seconds."""
    return min(work() for _ in range(rounds))


def seconds_to_fold(table: WindowedTable, batches: list[ColumnRows]) -> float:
    """Return the time of the folds, without the decoding that comes before."""
    table_partition, seconds = TablePartition(table), 0.0
    for rows in batches:
        fresh = rows.decoded()
        start = time.process_time()
        table_partition.fold(fresh)
        seconds += time.process_time() - start
    return seconds


def seconds_to_cut(table: WindowedTable, batches: list[ColumnRows]) -> float:
    """Return the time of the cuts, one after every ten batches."""
    table_partition, seconds = TablePartition(table), 0.0
    for n, rows in enumerate(batches):
        table_partition.fold(rows)
        if n % 10 == 9:
            start = time.process_time()
            table_partition.snapshot()
            seconds += time.process_time() - start
    return seconds


def seconds_to_load(table: WindowedTable, entries: list[tuple[bytes, bytes | None]]) -> float:
    """Return the time to restore from a changelog."""
    table_partition = TablePartition(table)
    start = time.process_time()
    for key, value in entries:
        table_partition.load(key, value)
    return time.process_time() - start


def seconds_to_answer(table_partition: TablePartition) -> float:
    """Return the time to merge all windows of a shard into one."""
    start = time.process_time()
    reader = WindowReader(table_partition, WeightedCache(1))
    for _ in reader.entries(DAY, (0, None), CATEGORIES):
        pass
    return time.process_time() - start


def report(name: str, seconds: float, per: int) -> None:
    """Print one figure."""
    print(f"{name:58} {seconds / per * 1e9:8.0f} ns")


def report_folds() -> None:
    """Print what folding an event takes, by how its times and keys are spread."""
    for name, span_ms in (("a year", YEAR_MS), ("two days", 2 * DAY.size_ms), ("one day", DAY.size_ms)):
        batches = stays(span_ms)
        report(f"fold a stay, times in {name}", best(partial(seconds_to_fold, STAYS, batches)), EVENTS)
    for endpoints, max_keys in ((100, 10_000), (5_000, 10_000), (5_000, 1_000)):
        table, batches = requests_per_endpoint(max_keys), requests(endpoints)
        name = f"fold a request, {endpoints} endpoints, max_keys {max_keys}"
        report(name, best(partial(seconds_to_fold, table, batches), 3), EVENTS)


def report_entries() -> None:
    """Print what writing, restoring and reading an entry takes."""
    year, day = stays(YEAR_MS), stays(DAY.size_ms)
    report("cut every 20,000 stays, times in a year", best(lambda: seconds_to_cut(STAYS, year)), EVENTS)
    report("cut every 20,000 stays, times in one day", best(lambda: seconds_to_cut(STAYS, day)), EVENTS)
    table_partition = TablePartition(STAYS)
    for rows in year:
        table_partition.fold(rows)
    entries = [entry for entry in table_partition.snapshot() if b"|day|" in entry[0]]
    copies = [(key + b" %d" % n, value) for n in range(200_000 // len(entries)) for key, value in entries]
    report("load an entry", best(lambda: seconds_to_load(STAYS, copies), 3), len(copies))
    cells = sum(map(len, table_partition.levels.store_of(DAY).between(0, inf)))
    report(
        f"merge {cells} cells of days into one window, a cell",
        best(lambda: seconds_to_answer(table_partition)),
        cells,
    )


def report_memory() -> None:
    """Print the memory of a cell with a count and a sum, with its key, live and packed."""
    table = WindowedTable(
        "m", key="k", windows=(HOUR,), all_time=False, lateness_ms=0, max_keys=20_000, total=Sum("n")
    )
    for name, newest in (("live", 0), ("of a closed window", DAY.size_ms)):
        tracemalloc.start()
        table_partition = TablePartition(table)
        for n in range(20):
            keys = [f"/titles/{n}/{m}" for m in range(1_000)]
            table_partition.fold(ColumnRows([0] * 1_000, k=keys, n=list(range(1_000, 2_000))))
        table_partition.fold(ColumnRows([newest], k=["a"], n=[1]))
        table_partition.snapshot()
        print(f"{'memory of a cell, ' + name:58} {tracemalloc.get_traced_memory()[0] / 20_000:8.0f} bytes")
        tracemalloc.stop()


def main() -> None:
    """Print one line a figure."""
    report_folds()
    report_entries()
    report_memory()
    print(f"{'peak memory':58} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    print(f"{'numpy imported':58} {'numpy' in sys.modules!s:>8}")


if __name__ == "__main__":
    main()
