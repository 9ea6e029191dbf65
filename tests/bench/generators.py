"""Generators: a kind in, how many events a second one process makes and a topic acknowledges out."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import orjson
from contest import Arena
from machine import wait_until_quiet
from promise import Promise, Sizes
from tree import OURS

from dataflow.demo.generators.kinds import KINDS

RATE = 200_000
TOPIC = "bench-generated"


def generators(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Generate a history of each kind, which goes as fast as it can, into a topic."""
    for kind in KINDS:
        arena.cluster.make_topics([TOPIC])
        wait_until_quiet(arena.quiet_seconds)
        told, cpu_seconds = _generate(kind, arena.cluster.address, sizes.generated_events)
        stored = sum(arena.cluster.ends([TOPIC]))
        arena.cluster.delete_topics(TOPIC.__eq__)
        rate = sizes.generated_events / told["seconds"]
        exact = told["acknowledged"] == stored == sizes.generated_events
        yield Promise(
            f"dataflow generate {kind}, {sizes.generated_events:,} events to a topic",
            f"{rate:,.0f} events/s, {cpu_seconds / sizes.generated_events * 1e6:.2f} µs CPU each"
            + ("" if exact else f"; NOT EXACT, {stored} are stored"),
            f"≥ {RATE:,} events/s",
            rate >= RATE and exact,
        )


def _generate(kind: str, address: str, events: int) -> tuple[dict[str, float], float]:
    """Return what the program tells at its end, and the CPU seconds it took."""
    command = [sys.executable, "-m", "dataflow", "generate", kind, "--rate", str(RATE)]
    history = ["--seconds", str(events / RATE), "--start", "2026-01-31", "--to", TOPIC]
    before = _children_seconds()
    done = subprocess.run(
        [*command, *history], env=OURS.environment({"DATAFLOW_BROKER": address}), cwd=os.sep, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return orjson.loads(done.stdout), _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
