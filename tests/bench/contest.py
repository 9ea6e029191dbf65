"""One run of one contestant: a fresh flow in, cost and speed out, and whether all was exact."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory

from child import Child
from cluster import Cluster
from contestant import Contestant
from flows.flow import Flow
from machine import Others, wait_until_quiet

SAMPLE_SECONDS = 0.05
AT_MOST_SECONDS = 300.0
SETTLE_SECONDS = 120.0
"""Counts that pass through a topic of their own come long after the outputs."""
ENDED_BY_SIGTERM = (0, -15, 143)  # 143 is what a JVM says


@dataclass(frozen=True)
class Run:
    """What one run took; `faults` are empty when everything that came out was exact."""

    name: str
    events: int
    number: int
    cpu_seconds: float
    events_per_second: float
    peak_bytes: int
    broker_seconds: float
    other_cores: float
    quiet: bool
    faults: tuple[str, ...]

    def as_mapping(self) -> dict[str, object]:
        """Return it as JSON can carry it."""
        return asdict(self)


@dataclass(frozen=True)
class Arena:
    """The broker that all share."""

    cluster: Cluster
    broker: int
    quiet_seconds: float


def run_name(contestant: Contestant, events: int, number: int) -> str:
    """Return the name of a run, which is also an app id."""
    return f"bench-{contestant.name}-{events}-{number}".lower()


def run_once(arena: Arena, contestant: Contestant, events: int, number: int) -> Run:
    """Run a contestant over so many events, with topics and a group of its own."""
    name = run_name(contestant, events, number)
    flow = contestant.flow(arena.cluster, name, events)
    flow.tree = contestant.tree
    flow.prepare()
    with TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        quiet = wait_until_quiet(arena.quiet_seconds)
        others = Others(arena.broker)
        environment = {**flow.environment(folder), "JOB": contestant.job, **contestant.environment}
        with Child(contestant.program(), environment, folder / "log", contestant.tree) as child:
            rate = _watch(arena.cluster, flow, child, events)
            child.wait_until_idle(SETTLE_SECONDS, ends=contestant.ends)
            child.stop()
            run = Run(
                contestant.name, events, number, child.cpu_seconds, rate, child.peak_bytes,
                others.broker_seconds, others.cores(child.cpu_seconds), quiet,
                tuple(_faults(flow, child, None if contestant.ends else events, folder)),
            )  # fmt: skip
    arena.cluster.delete_topics(lambda topic: name in topic)
    return run


def _watch(cluster: Cluster, flow: Flow, child: Child, events: int) -> float:
    """Wait until every output is there; return events per second over the last three quarters."""
    began, quarter, running = time.monotonic(), None, True
    while running and time.monotonic() - began < AT_MOST_SECONDS:
        running = child.is_running()  # it may end once all is there: looked at before the ends are
        ends, now = cluster.ends(list(flow.outputs)), time.monotonic()
        done = min((end / due for end, due in zip(ends, flow.outputs.values(), strict=True)), default=0)
        if done >= 1:
            return 0.0 if quarter is None else events * (1 - quarter[1]) / (now - quarter[0])
        if quarter is None and done >= 1 / 4:
            quarter = now, done
        time.sleep(SAMPLE_SECONDS)
    return 0.0


def _faults(flow: Flow, child: Child, committed: int | None, folder: Path) -> Iterator[str]:
    """Yield in what the run went wrong: the end of the process, the offsets, the outputs, the counts."""
    if child.exit not in ENDED_BY_SIGTERM:
        yield f"ended with {child.exit}: {child.log_tail}"
        return
    if committed is not None and (acknowledged := flow.acknowledged()) != committed:
        yield f"{acknowledged} events are acknowledged; expected {committed}"
    try:
        yield from flow.faults(folder)
    except (AssertionError, CalledProcessError) as error:  # something could not be read to its end
        yield str(error)
