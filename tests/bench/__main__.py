"""`make bench`: peers and Dataflow in turn on one broker with the same data; one report out."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from beside import ratios, twins
from cluster import Cluster
from contest import Arena
from contestants import chosen, names, present
from promise import Promise, Sizes
from promises import JOBS, MEASUREMENTS, PACED
from report import Report, promised_costs, show
from rich.console import Console
from rounds import Rounds
from tree import OURS, Tree, checkout

from dataflow.demo.broker import EmbeddedBroker

FULL_SIZES = Sizes(20.0, 800_000, 5_000_000, 10.0, 100_000, 2_000_000)
SHORT_SIZES = Sizes(8.0, 400_000, 5_000_000, 3.0, 100_000, 1_000_000)
QUICK_SIZES = Sizes(5.0, 200_000, 200_000, 3.0, 100_000, 1_000_000)

HEAD = """# Benchmarks

Written by `make bench`; the method is in `tests/bench/README.md`.
What takes longer is in [long measurements](benchmarks-long.md).

"""

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


def measurements(only: list[str]) -> list[str]:
    """Return which measurements are made; raise where a word names nothing."""
    known = {**{word: {word} for word in (*PACED, *MEASUREMENTS)}, **JOBS}
    unknown = {word.lower() for word in only} - known.keys() - {name.lower() for name in names()}
    if unknown:
        expected = ", ".join(sorted({*known, *names()}))
        raise typer.BadParameter(f"{', '.join(unknown)}; expected some of {expected}")
    wanted = set[str]().union(*(known.get(word.lower(), set()) for word in only))
    return [name for name in (*PACED, *MEASUREMENTS) if not only or name in wanted]


def measure(arena: Arena, wanted: list[str], sizes: Sizes, trees: list[Tree]) -> Iterator[Promise]:
    """Make the other measurements; the paced ones with the programs of each tree."""
    for name in wanted:
        made = (
            (promise for tree in trees for promise in PACED[name](arena, sizes, tree))
            if name in PACED
            else MEASUREMENTS[name](arena, sizes)
        )
        for promise in _until_given_up(name, made):
            notes.print(f"{promise.name}: {promise.measured}")
            yield promise


def _until_given_up(name: str, promises: Iterator[Promise]) -> Iterator[Promise]:
    """Yield what was measured; what could not be is no reason to lose the rest."""
    try:
        yield from promises
    except (AssertionError, CalledProcessError) as error:
        yield Promise(name, f"given up: {error}", "to be measured", holds=False)


def _tree(commit: str) -> Tree:
    try:
        return checkout(commit)
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


def _sizes(quick: bool, minutes: float | None) -> Sizes:
    if quick:
        return QUICK_SIZES
    return FULL_SIZES if minutes is None else SHORT_SIZES


def main(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this job, program, row or measurement; again for more.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of all rows.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Less input, one round.")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=1, help="Begin no run that would end later; shorter measurements.")
    ] = None,
    beside: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Run our rows from this commit's tree, too.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report to this file, too.")] = None,
    log: Annotated[Path | None, typer.Option(help="Write every run to this file, one JSON a line.")] = None,
) -> None:
    """Measure what an event costs, here and with others, and what else is promised.

    Ends with 1 when any output or count was not exact, or a promise is not kept.

    `make bench ARGS="--only A2-dataflow --only A2-hand --rounds 5"` is an example.
    """
    wanted, asked = measurements(only or []), chosen(only or [])
    tree = _tree(beside) if beside else None
    if tree is not None:
        asked = list(twins(asked, tree))
    contestants, missing = present(asked)
    until = inf if minutes is None else time.monotonic() + minutes * 60
    with arena(quiet_seconds=2 if quick or minutes else 25) as shared:
        made = Rounds(shared, contestants, until, quick=quick, tell=notes.print)
        promises = list(measure(shared, wanted, _sizes(quick, minutes), [OURS, *([tree] if tree else [])]))
        for number in range(1 if quick else rounds):
            made.run(number)
    promises = [*promised_costs(contestants, made.runs), *promises]
    report = Report(asked, made.runs, promises, missing).as_markdown()
    if tree is not None:
        report += f"\n{ratios(contestants, made.runs, tree)}\n"
    show(Console(), report)
    if markdown is not None:
        markdown.write_text(HEAD + report)
    if log is not None:
        log.write_text("".join(json.dumps(run.as_mapping()) + "\n" for run in made.runs))
    sys.exit(any(run.faults for run in made.runs) or not all(promise.holds for promise in promises))


if __name__ == "__main__":
    program = typer.Typer(pretty_exceptions_enable=False)
    program.command()(main)
    program()
