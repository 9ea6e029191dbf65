"""What is promised beside the cost of an event: each measured, and whether it holds."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import orjson
from answers import answers
from bookings import bookings
from bots import bots
from busy_queries import TABLE_PATH, busy_queries
from cluster import PARTITIONS
from contest import Arena
from flows.bookings import ShippedStays, booking_faults
from flows.flow import HERE
from generators import generators
from ingest import ingest
from machine import resident_bytes
from paced import many_partitions, many_workers, paced
from promise import MIB, Promise, Sizes
from queries import measure_queries
from steady import WARM_UP_SECONDS, Load, measure_steady
from tree import Tree
from trial import trial
from worker import START_SECONDS, shipped_worker, wait_until_ready


def latency_and_rest(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Measure memory at rest, then latency at 20,000 events/s, then memory at the end of it."""
    flow = ShippedStays(arena.cluster, "bench-latency", 0)
    with shipped_worker(flow) as (child, port):
        wait_until_ready(child, port)
        child.wait_until_idle(START_SECONDS)
        rest = resident_bytes(child.pid) / MIB
        events = int(20_000 * (WARM_UP_SECONDS + sizes.latency_seconds))
        load = Load(bookings(events), events, 20_000, PARTITIONS, events)
        found = measure_steady(arena.cluster.address, flow.source, "expedia_ext", load, child)
        running = child.is_running()
        faults = list(booking_faults(arena.cluster, "expedia_ext", events))
        if not running or faults:
            sys.stderr.write(child.log_tail)
        peak = child.peak_bytes / MIB
    yield Promise(
        f"produce to read_committed consumer, 20,000 events/s for {sizes.latency_seconds:g} s",
        f"p50 {found.p50_ms} ms, p99 {found.p99_ms} ms, at most {found.max_ms} ms"
        + ("" if running and not faults else f"; NOT EXACT: {faults}"),
        "p99 < 500 ms",
        found.p99_ms < 500 and running and not faults,
    )
    yield Promise("memory at rest, nothing in the topics", f"{rest:.0f} MiB", "< 250 MB", rest * MIB < 250e6)
    yield Promise("memory at 20,000 events/s, peak", f"{peak:.0f} MiB", "< 250 MB", peak * MIB < 250e6)


def queries_while_busy(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Ask the worker for its table while it catches up: all time, and the 365 days."""
    for window in ("all", "day"):
        flow = ShippedStays(arena.cluster, f"bench-queries-{window}", sizes.query_events)
        with shipped_worker(flow) as (_, port):
            found = measure_queries(port, TABLE_PATH.format(window), START_SECONDS)
        right = found.asked > 0 and not found.refused
        yield Promise(
            f"GET {TABLE_PATH.format(window)} while {sizes.query_events:,} events are caught up with",
            f"p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms, at most {found.max_ms:.0f} ms "
            f"({found.asked} answers, {found.refused} refused)",
            "p99 < 50 ms",
            found.p99_ms < 50 and right,
            {f"catching up {window} p99": found.p99_ms} if right else {},
        )


def recovery(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Write a changelog of many cells, and measure how fast it is read back."""
    topic, entries = "bench-recovery", sizes.changelog_entries
    program = [sys.executable, str(HERE / "recovery.py")]
    told = [arena.cluster.address, topic, str(entries)]
    subprocess.run([*program, "write", *told], check=True)
    read = subprocess.run([*program, "read", *told], check=True, stdout=subprocess.PIPE)
    arena.cluster.delete_topics(topic.__eq__)
    found = orjson.loads(read.stdout)
    rate, exact = entries / found["seconds"], found["entries"] == entries
    yield Promise(
        f"recovery of a changelog, {entries:,} entries",
        f"{rate:,.0f} entries/s, {found['cpu_seconds'] / entries * 1e6:.2f} µs CPU each"
        + ("" if exact else f"; NOT EXACT, {found['entries']} cells"),
        "≥ 200,000 entries/s",
        rate >= 200_000 and exact,
        {"recovery entries/s": rate} if exact else {},
    )


PACED: Mapping[str, Callable[[Arena, Sizes, Tree], Iterator[Promise]]] = {
    "paced": paced,
    "partitions": many_partitions,
    "workers": many_workers,
}
"""These are made with the programs of a tree."""

JOBS: Mapping[str, set[str]] = {
    "i": {"ingest"},
    "r": {"recovery"},
    "q": {"busy-queries", "queries", "answers"},
    "s": {"paced", "partitions", "workers"},
}
"""Which measurements a job of the report is made of."""

MEASUREMENTS: Mapping[str, Callable[[Arena, Sizes], Iterator[Promise]]] = {
    "latency": latency_and_rest,
    "answers": answers,
    "busy-queries": busy_queries,
    "queries": queries_while_busy,
    "recovery": recovery,
    "ingest": ingest,
    "dry-run": trial,
    "generators": generators,
    "bots": bots,
}
