"""Paced rows: the shipped flows at a steady pace; latency, cores, and what the changelog takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from access_lines import access_lines, broken
from bookings import bookings
from cdn_lines import cdn_lines, kept
from cluster import PARTITIONS
from contest import Arena
from contestants import MakeFlow
from flows.access_logs import ShippedLines
from flows.bookings import ShippedStays
from flows.cdn_logs import ShippedFilter
from promise import Promise, Sizes
from steady import WARM_UP_SECONDS, Load, Steady, measure_steady
from tree import OURS, Tree
from worker import START_SECONDS, shipped_worker, wait_until_ready


@dataclass(frozen=True)
class Paced:
    """A shipped flow, its first output, and the events of its load."""

    title: str
    flow: MakeFlow
    output: str
    make: Callable[[int], Iterator[bytes]]
    outputs: Callable[[int], int]


def _whole(events: int) -> int:
    return events - broken(events)


def _kept(events: int) -> int:
    return sum(1 for _ in kept(events))


FLOWS = (
    Paced("bookings", ShippedStays, "expedia_ext", bookings, int),
    Paced("access logs", ShippedLines, "access-logs-parsed", access_lines, _whole),
    Paced("CDN filter", ShippedFilter, "cdn-logs-filtered", cdn_lines, _kept),
)
RATES = (50, 500, 5_000, 20_000)
MANY_PARTITIONS = ((64, 500), (64, 5_000), (64, 20_000), (256, 5_000))


def paced(arena: Arena, sizes: Sizes, tree: Tree = OURS) -> Iterator[Promise]:
    """Measure each shipped flow with four partitions at each rate."""
    for flow in FLOWS:
        for rate in RATES:
            yield _row(arena, flow, rate, PARTITIONS, sizes.latency_seconds, tree)


def many_partitions(arena: Arena, sizes: Sizes, tree: Tree = OURS) -> Iterator[Promise]:
    """Measure bookings with many partitions."""
    for partitions, rate in MANY_PARTITIONS:
        yield _row(arena, FLOWS[0], rate, partitions, sizes.latency_seconds, tree)


def _row(arena: Arena, paced: Paced, rate: int, partitions: int, seconds: float, tree: Tree) -> Promise:
    events = int(rate * (WARM_UP_SECONDS + seconds))
    name = f"bench-paced-{rate}-{partitions}-{tree.commit or 'ours'}"
    flow = paced.flow(arena.cluster, name, 0)
    flow.tree, flow.partitions = tree, partitions
    load = Load(paced.make(events), events, rate, partitions, paced.outputs(events))
    with shipped_worker(flow) as (child, port):
        flow.events = events  # what is looked for at the end; the topic is filled at the pace
        wait_until_ready(child, port)
        child.wait_until_idle(START_SECONDS)
        found = measure_steady(arena.cluster.address, flow.source, paced.output, load, child)
        entries, size = arena.cluster.weigh(f"{name}-{flow.source}-changelog", partitions)
    faults = list(flow.faults(Path.cwd())) if partitions == PARTITIONS else []
    arena.cluster.delete_topics(lambda topic: name in topic)
    where = f", at {tree.commit}" if tree.commit else ""
    return Promise(
        f"{paced.title}, {rate:,} events/s, {partitions} partitions{where}",
        f"p50 {found.p50_ms} ms, p99 {found.p99_ms} ms, {found.cores:.2f} cores; changelog "
        f"{entries / events:.2f} entries and {size / events:.0f} bytes an event{_wrong(found, load, faults)}",
        "every event once, and counted once",
        found.outputs == load.outputs and not faults,
    )


def _wrong(found: Steady, load: Load, faults: Sequence[str]) -> str:
    came = [] if found.outputs == load.outputs else [f"{found.outputs:,} of {load.outputs:,} came"]
    return "".join(f"; NOT EXACT: {fault}" for fault in (*came, *faults))
