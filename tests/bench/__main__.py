"""`make bench`: peers and Dataflow in turn on one broker with the same data; one report out."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from beside import ratios, twins
from cluster import Cluster
from contest import Arena, Run, run_once
from contestants import CONTESTANTS, Contestant
from goaccess import goaccess
from kafka_streams import kafka_streams
from promise import Promise, Sizes
from promises import MEASUREMENTS, PACED
from report import as_markdown, promised_costs, show
from rich.console import Console
from tree import OURS, Tree, checkout

from dataflow.demo.broker import EmbeddedBroker

FULL_SIZES = Sizes(20.0, 800_000, 1_000_000, 10.0, 100_000, 2_000_000)
QUICK_SIZES = Sizes(5.0, 200_000, 200_000, 3.0, 100_000, 1_000_000)

HEAD = "# Benchmarks\n\nWritten by `make bench`; the method is in `tests/bench/README.md`.\n\n"

FULL_JVM = ("-Xmx1g", "-Xms512m")
"""What a server would have."""

notes = Console(stderr=True)


@contextmanager
def arena(quiet_seconds: float) -> Iterator[Arena]:
    """Run a broker that forgets all, as large as a server's."""
    with TemporaryDirectory(prefix="bench-broker-") as home:
        # a deleted topic makes room at once
        broker = EmbeddedBroker(Path(home), jvm=FULL_JVM, properties={"log.segment.delete.delay.ms": 1_000})
        broker.start()
        try:
            broker.wait_ready()
            yield Arena(Cluster(broker.address), broker.pid, quiet_seconds)
        finally:
            broker.kill()


def chosen(only: list[str]) -> tuple[list[Contestant], list[str], list[str]]:
    """Return who takes part, which measurements are made, and what is left out and why."""
    present, left_out = list(CONTESTANTS), []
    for title, name, rows in (
        ("Kafka Streams", "kafka-streams", kafka_streams),
        ("GoAccess", "goaccess", goaccess),
    ):
        if not only or any(one.startswith(name) for one in only):
            try:
                present += rows()
            except OSError as error:
                left_out.append(f"without {title}: {error}")
    names = {contestant.name for contestant in present} | PACED.keys() | MEASUREMENTS.keys()
    unknown = set(only) - names
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; expected some of {', '.join(sorted(names))}")
    taking_part = [c for c in present if c.name in only or (c.always and not only)]
    return taking_part, [name for name in (*PACED, *MEASUREMENTS) if not only or name in only], left_out


def compete(arena: Arena, contestants: list[Contestant], rounds: int, *, quick: bool) -> list[Run]:
    """Let all run in turn, the large input and the small one, round by round."""
    runs = []
    sizes = {(c.given, events) for c in contestants for events in c.sizes(quick=quick)}
    for given, events in sizes:
        arena.cluster.make_topics([given.topic(events)])
        arena.cluster.fill(given.topic(events), given.make(events))
    for number in range(rounds):
        for contestant in contestants:
            for events in contestant.sizes(quick=quick):
                run = run_once(arena, contestant, events, number)
                runs.append(run)
                _tell(run, f"round {number + 1} of {rounds}")
    return runs


def measure(arena: Arena, names: list[str], sizes: Sizes, trees: list[Tree]) -> list[Promise]:
    """Make the other measurements; the paced ones with the programs of each tree."""
    promises = []
    for name in names:
        made = (
            [promise for tree in trees for promise in _noted(PACED[name](arena, sizes, tree))]
            if name in PACED
            else list(_noted(MEASUREMENTS[name](arena, sizes)))
        )
        promises += made
    return promises


def _noted(promises: Iterator[Promise]) -> Iterator[Promise]:
    for promise in promises:
        notes.print(f"{promise.name}: {promise.measured}")
        yield promise


def _tell(run: Run, when: str) -> None:
    notes.print(
        f"{when}: {run.name}, {run.events:,} events, {run.cpu_seconds:.2f} s CPU, "
        f"others {run.other_cores:.2f} cores, {'exact' if not run.faults else f'NOT EXACT: {run.faults}'}"
    )


def _tree(commit: str) -> Tree:
    try:
        return checkout(commit)
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Only this row or measurement; again for more.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of all rows.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Less input, one round: 8 minutes.")] = False,
    beside: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Run our rows from this commit's tree, too.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report to this file, too.")] = None,
    log: Annotated[Path | None, typer.Option(help="Write every run to this file, one JSON a line.")] = None,
) -> None:
    """Measure what an event costs, here and with others, and what else is promised.

    Ends with 1 when any output or count was not exact, or a promise is not kept.

    `make bench ARGS="--only dataflow-job --only hand --rounds 5"` is an example.
    """
    contestants, measurements, left_out = chosen(only or [])
    tree = _tree(beside) if beside else None
    if tree is not None:
        contestants = list(twins(contestants, tree))
    with arena(quiet_seconds=2 if quick else 25) as shared:
        runs = compete(shared, contestants, 1 if quick else rounds, quick=quick)
        promises = [*promised_costs(contestants, runs)]
        sizes = QUICK_SIZES if quick else FULL_SIZES
        promises += measure(shared, measurements, sizes, [OURS, *([tree] if tree else [])])
    report = as_markdown(contestants, runs, promises, left_out)
    if tree is not None:
        report += f"\n{ratios(contestants, runs, tree)}\n"
    show(Console(), report)
    if markdown is not None:
        markdown.write_text(HEAD + report)
    if log is not None:
        log.write_text("".join(json.dumps(run.as_mapping()) + "\n" for run in runs))
    sys.exit(any(run.faults for run in runs) or not all(promise.holds for promise in promises))


if __name__ == "__main__":
    program = typer.Typer(pretty_exceptions_enable=False)
    program.command()(main)
    program()
