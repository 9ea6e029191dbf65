"""Memory of the shipped access-log tables in one process, without Kafka: RSS by minute of event time.

Run `python tests/bench/memory.py [RATE [MINUTES [SCANNED [FLUSH_SECONDS [STEP_MS]]]]]`: lines a second, how
long in event time, how many random paths a second a scanner asks for beside them, how often what is
committed goes to disk (0: never, all stays in memory), and how often there is a checkpoint.
"""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from tempfile import mkdtemp

from access_lines import told_by_line

import tables.requests_per_country
import tables.requests_per_endpoint
import tables.requests_per_status
import tables.top_clients
from dataflow.engine.local_store import LocalStore
from dataflow.engine.state import PartitionState
from dataflow.engine.state_memory import StateMemory
from dataflow.engine.stored_partition import Changelog
from dataflow.kafka.types import TopicPartition

START_MS = 1_431_857_100_000
PARTITIONS = 4
DICE = random.Random(1)
TABLES = (
    tables.requests_per_endpoint.requests_per_endpoint.table,
    tables.requests_per_status.requests_per_status.table,
    tables.requests_per_country.requests_per_country.table,
    tables.top_clients.top_clients.table,
)
NAMES = ("endpoint", "status", "country", "client", "bytes", "is_error", "response_time_ms")
Values = tuple[object, ...]


class ValueRows:
    """Rows of a checkpoint: their times, and a tuple of values for each."""

    def __init__(self, times: list[int], values: Sequence[Values]) -> None:
        self.times = self.advances = times
        self._columns = dict(zip(NAMES, map(list, zip(*values, strict=True)), strict=True))

    def column(self, name: str) -> Sequence[object]:
        """Return one value per row."""
        return self._columns[name]

    def __len__(self) -> int:
        return len(self.times)


def sampled() -> list[Values]:
    """Return what the tables count of each line of the sample."""
    return [
        (
            told["endpoint"],
            told["status"],
            told["country"],
            told["ip"],
            told["bytes"],
            int(told["status"]) >= 500,
            None,
        )
        for told in told_by_line()
        if told is not None
    ]


def resident_mb() -> float:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6


async def states_of(local: LocalStore, end: int) -> list[PartitionState]:
    """Return the states of the partitions as they are on disk."""
    changelogs = [TopicPartition("access-logs-changelog", number) for number in range(PARTITIONS)]
    return [await local.load(tp, Changelog(["bench"], 0, end), TABLES) for tp in changelogs]


async def restart(local: LocalStore, folder: Path, lines: int, end: int) -> None:
    """Print what stop and start cost, and how much is on disk."""
    begun = time.monotonic()
    await local.close()
    stopped = time.monotonic()
    local.open(folder, "bench")
    states = await states_of(local, end)
    assert all(state.stored is not None and state.stored.position == end for state in states)
    with sqlite3.connect(folder / "bench.sqlite") as db:
        [(records, size)] = db.execute("SELECT count(*), sum(length(key) + length(value)) FROM records")
    print(f"stop {stopped - begun:.1f} s, start {time.monotonic() - stopped:.1f} s, {resident_mb():.1f} MB")
    print(f"{records} records with {size / lines:.1f} B a line")


def checkpoint_values(lines: Iterator[Values], count: int, scanned: int) -> list[Values]:
    """Return what the tables count of the lines of one checkpoint."""
    values = [*islice(lines, count)]
    paths = (f"/{DICE.randbytes(8).hex()}" for _ in range(scanned))
    return values + [(path, 404, "US", "203.0.113.9", 500, False, None) for path in paths]


async def main(
    rate: int = 5_000, minutes: int = 15, scanned: int = 0, flush_seconds: int = 30, step_ms: int = 400
) -> None:
    """Fold so many minutes and print the memory after each of the first ten, then every tenth."""
    local, lines, folder = LocalStore(), cycle(sampled()), Path(mkdtemp())
    memory = StateMemory(256 << 20, local)
    if flush_seconds:
        local.open(folder, "bench")
    states = await states_of(local, 0)
    begun, folded, written = time.process_time(), 0, 0
    for at in range(0, minutes * 60_000, step_ms):
        memory.check(states)
        values = checkpoint_values(lines, rate * step_ms // 1000, scanned * step_ms // 1000)
        times = [START_MS + at + number * step_ms // len(values) for number in range(len(values))]
        for number, state in enumerate(states):
            rows = ValueRows(times[number::PARTITIONS], values[number::PARTITIONS])
            for part in state.table_partitions.values():
                part.fold(rows)
            changes = [change for part in state.table_partitions.values() for change in part.snapshot()]
            written += sum(len(key) + len(value or b"") for key, value in changes)
            state.keep(changes, at)
        folded += len(values)
        if flush_seconds and not at % (flush_seconds * 1000):
            await local.flush()
        minute, rest = divmod(at + step_ms, 60_000)
        if not rest and (minute <= 10 or not minute % 10):
            us = (time.process_time() - begun) / folded * 1e6
            cost = f"{us:6.1f} us and {written / folded:6.1f} B a line"
            print(f"{minute:4} min  {resident_mb():7.1f} MB  {cost}", flush=True)
    if flush_seconds:
        await restart(local, folder, folded, at)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
