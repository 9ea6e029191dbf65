"""Paced rows: the shipped flows at a steady pace; latency, cores, and what the changelog takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from access_lines import access_lines, broken
from bookings import bookings
from cdn_lines import cdn_lines, kept
from cluster import PARTITIONS, Cluster
from contest import Arena
from flows.access_logs import ShippedLines
from flows.bookings import ShippedStays
from flows.cdn_logs import ShippedFilter
from flows.flow import Shipped
from promise import Promise, Sizes
from steady import WARM_UP_SECONDS, Load, Steady, measure_steady
from tree import OURS, Tree
from worker import crew


@dataclass(frozen=True)
class Paced:
    """A shipped flow, its first output, and the events of its load."""

    title: str
    flow: Callable[[Cluster, str, int], Shipped]
    output: str
    make: Callable[[int], Iterator[bytes]]
    outputs: Callable[[int], int]


@dataclass(frozen=True)
class Pace:
    """Events a second, in so many partitions, among so many workers."""

    partitions: int
    rate: int
    workers: int = 1

    def __str__(self) -> str:
        workers = f", {self.workers} workers" if self.workers > 1 else ""
        return f"{self.rate:,} events/s, {self.partitions} partitions{workers}"

    @property
    def key(self) -> str:
        """What its figures are called by."""
        return f"{self.rate} {self.partitions}" + (f" {self.workers} workers" if self.workers > 1 else "")


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
MANY_PARTITIONS = ((16, 5_000), (64, 500), (64, 5_000), (64, 20_000), (256, 5_000))
MANY_WORKERS, AMONG_WORKERS = (2, 4), (64, 5_000)  # one is among the rows before


def paced(arena: Arena, sizes: Sizes, tree: Tree = OURS) -> Iterator[Promise]:
    """Measure each shipped flow with four partitions at each rate."""
    for flow in FLOWS:
        for rate in RATES:
            yield _row(arena, flow, Pace(PARTITIONS, rate), sizes.latency_seconds, tree)


def many_partitions(arena: Arena, sizes: Sizes, tree: Tree = OURS) -> Iterator[Promise]:
    """Measure bookings with many partitions."""
    for partitions, rate in MANY_PARTITIONS:
        yield _row(arena, FLOWS[0], Pace(partitions, rate), sizes.latency_seconds, tree)


def many_workers(arena: Arena, sizes: Sizes, tree: Tree = OURS) -> Iterator[Promise]:
    """Measure bookings with many partitions among more and more workers."""
    for workers in MANY_WORKERS:
        yield _row(arena, FLOWS[0], Pace(*AMONG_WORKERS, workers), sizes.latency_seconds, tree)


def _row(arena: Arena, paced: Paced, pace: Pace, seconds: float, tree: Tree) -> Promise:
    events = int(pace.rate * (WARM_UP_SECONDS + seconds))
    name = f"bench-paced-{pace.rate}-{pace.partitions}-{pace.workers}-{tree.commit or 'ours'}"
    flow = paced.flow(arena.cluster, name, 0)
    flow.tree, flow.partitions = tree, pace.partitions
    load = Load(paced.make(events), events, pace.rate, pace.partitions, paced.outputs(events))
    with crew(flow, pace.workers) as workers:
        flow.events = events  # what is looked for at the end; the topic is filled at the pace
        workers.wait_until_idle()
        found = measure_steady(arena.cluster.address, flow.source, paced.output, load, workers)
        entries, size = arena.cluster.weigh(f"{name}-{flow.source}-changelog", pace.partitions)
    faults = list(flow.faults(Path.cwd())) if pace.partitions == PARTITIONS else []
    arena.cluster.delete_topics(lambda topic: name in topic)
    where = f", at {tree.commit}" if tree.commit else ""
    right = found.outputs == load.outputs and not faults
    return Promise(
        f"{paced.title}, {pace}{where}",
        f"p50 {found.p50_ms} ms, p99 {found.p99_ms} ms, {found.cores:.2f} cores; changelog "
        f"{entries / events:.2f} entries and {size / events:.0f} bytes an event{_wrong(found, load, faults)}",
        "every event once, and counted once",
        right,
        _figures(f"{paced.title} {pace.key}", found) if right and not tree.commit else {},
    )


def _figures(key: str, found: Steady) -> dict[str, float]:
    measured = {"cores": found.cores, "p50": found.p50_ms, "p99": found.p99_ms}
    return {f"paced {key} {name}": value for name, value in measured.items()}


def _wrong(found: Steady, load: Load, faults: Sequence[str]) -> str:
    came = [] if found.outputs == load.outputs else [f"{found.outputs:,} of {load.outputs:,} came"]
    return "".join(f"; NOT EXACT: {fault}" for fault in (*came, *faults))
