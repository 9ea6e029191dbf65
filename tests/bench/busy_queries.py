"""Busy queries: how long answers take while 20,000 bookings a second come in."""

import subprocess
import sys
from collections.abc import Iterator

import orjson
import queries
from bookings import bookings
from cluster import PARTITIONS
from contest import Arena
from flows.bookings import ShippedStays, booking_faults
from promise import Promise, Sizes
from queries import Queries
from steady import WARM_UP_SECONDS, Load, measure_steady
from worker import START_SECONDS, shipped_worker, wait_until_ready

TABLE_PATH = "/tables/stays_per_category?window={}"
RATE, WINDOWS = 20_000, ("all", "day")


def busy_queries(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Ask fifty times a second for all time, then for the 365 days."""
    seconds = max(sizes.latency_seconds / 2, 4.0)
    events = int(RATE * (WARM_UP_SECONDS + seconds * len(WINDOWS) + 1))
    with shipped_worker(ShippedStays(arena.cluster, "bench-busy", 0)) as (child, port):
        wait_until_ready(child, port)
        child.wait_until_idle(START_SECONDS)
        command = [
            sys.executable,
            queries.__file__,
            str(port),
            str(seconds),
            *map(TABLE_PATH.format, WINDOWS),
        ]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE)
        load = Load(bookings(events), events, RATE, PARTITIONS, events)
        found = measure_steady(arena.cluster.address, "expedia", "expedia_ext", load, child)
        told = [Queries(**each) for each in orjson.loads(asking.communicate()[0])]
        faults = list(booking_faults(arena.cluster, "expedia_ext", events))
    for window, answers in zip(WINDOWS, told, strict=True):
        right = not answers.refused and not faults
        yield Promise(
            f"GET {TABLE_PATH.format(window)} fifty times a second at {RATE:,} bookings/s",
            f"p50 {answers.p50_ms:.0f} ms, p99 {answers.p99_ms:.0f} ms, at most {answers.max_ms:.0f} ms "
            f"({answers.asked} answers, {answers.refused} refused); bookings p99 {found.p99_ms} ms"
            + ("" if not faults else f"; NOT EXACT: {faults}"),
            "every answer, and every booking once",
            right,
            {f"queries {window} p99": answers.p99_ms} if right else {},
        )
