import os
import resource
import time
from pathlib import Path

import pytest
from sinks.access_lines import RECORDS, done, stored
from sinks.waiting import until

from dataflow.sinks.postgres.sink import PostgresSink

ROWS_PER_SECOND = 40_000
CORES = 2
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of_processes(folder: Path) -> float:
    """Return the seconds that a server and all its backends, also ended ones, have used."""
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    seconds = 0.0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        own = int(status.parent.name) == postmaster
        if own or int(fields[1]) == postmaster:
            seconds += sum(int(ticks) for ticks in fields[11 : 15 if own else 13]) / TICKS
    return seconds


def own_cpu() -> float:
    """Return the seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.skipif(RECORDS < 100_000, reason="measures; SINK_TEST_RECORDS=300000 runs it")
async def test_forty_thousand_rows_a_second_fit_in_two_cores(fed, own_postgres, run):
    """CPU time of worker and server together: it says the same on a busy machine."""
    server = own_postgres.folder
    before, began = (own_cpu(), cpu_of_processes(server)), time.monotonic()
    runner = await run(PostgresSink(own_postgres.url), address=fed.address)
    await until(lambda: done(runner) == RECORDS, 300)
    seconds = time.monotonic() - began
    ours, theirs = own_cpu() - before[0], cpu_of_processes(server) - before[1]
    print(
        f"\n{RECORDS / seconds:,.0f} rows/s by the clock; CPU a row: "
        f"worker {ours / RECORDS * 1e6:.1f} µs, PostgreSQL {theirs / RECORDS * 1e6:.1f} µs"
    )
    assert await stored(own_postgres.url) == (RECORDS, RECORDS, RECORDS)
    assert RECORDS / (ours + theirs) * CORES >= ROWS_PER_SECOND
