"""Runs and promises in, tables out: for a terminal, and as Markdown."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from operator import attrgetter

from contest import Run
from contestants import Contestant
from promise import MIB, Promise
from rich.console import Console
from rich.markdown import Markdown

LIBRARIES = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec", "orjson", "uvloop")
COST_HEADS = (
    "", "events", "CPU µs/event, start-up left out", "CPU µs/event, whole run", "events/s",
    "peak MiB", "broker CPU µs/event", "exact runs",
)  # fmt: skip
PROMISE_HEADS = ("", "measured", "promised", "")
BUSY_CORES = 0.25
HAND_US = 10.35
CPU, BROKER_CPU = attrgetter("cpu_seconds"), attrgetter("broker_seconds")


def as_markdown(
    contestants: Sequence[Contestant], runs: Sequence[Run], promises: Sequence[Promise], notes: Sequence[str]
) -> str:
    """Return the whole report."""
    parts = [_circumstances(runs)]
    if runs:
        rows = [_cost_row(c, [run for run in runs if run.name == c.name]) for c in contestants]
        parts.append(table(COST_HEADS, [row for row in rows if row]))
    if promises:
        parts.append(table(PROMISE_HEADS, [_promise_row(promise) for promise in promises]))
    faults = [f"{run.name}, {run.events:,} events: {fault}" for run in runs for fault in run.faults]
    parts += [f"* **not exact:** {fault}" for fault in faults] + [f"* {note}" for note in notes]
    return "\n\n".join(parts) + "\n"


def promised_costs(contestants: Sequence[Contestant], runs: Sequence[Run]) -> Iterator[Promise]:
    """Yield what is promised of the cost of an event, and whether the median of the rounds keeps it.

    The bounds are those of a machine on which the hand-written loop takes `HAND_US`: where it
    has taken part, the costs are also told, and judged, at that machine's speed.
    """
    costs = {
        c.name: slopes([run for run in runs if run.name == c.name and not run.faults], CPU)
        for c in contestants
    }
    by_hand = costs.get("hand-access-logs")
    speed = HAND_US / statistics.median(by_hand) if by_hand else 1.0
    for contestant in contestants:
        found = costs[contestant.name]
        if contestant.most_us is not None:
            as_there = [us * speed for us in found]
            there = f"; {middle(as_there, '{:.2f}'.format)} at that speed" if by_hand else ""
            yield Promise(
                contestant.title.replace("*", ""),
                f"{middle(found, '{:.2f}'.format)} µs CPU an event{there}",
                f"≤ {contestant.most_us:g} µs, where the access-log loop by hand takes {HAND_US:g}",
                bool(found) and statistics.median(as_there) <= contestant.most_us,
            )


def show(console: Console, markdown: str) -> None:
    """Print a report on a terminal, or as it is into a pipe."""
    console.print(Markdown(markdown)) if console.is_terminal else print(markdown)


def slopes(runs: Sequence[Run], seconds: Callable[[Run], float]) -> list[float]:
    """Return CPU µs per event of each round: the difference of the large run and the small one."""
    rounds: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.events):
        rounds.setdefault(run.number, []).append(run)
    return [
        (seconds(pair[1]) - seconds(pair[0])) / (pair[1].events - pair[0].events) * 1e6
        for pair in rounds.values()
        if len(pair) == 2
    ]


def middle(values: Iterable[float], form: Callable[[float], str]) -> str:
    """Return the median, and the smallest and the largest where there are several."""
    ranked = sorted(values)
    if not ranked:
        return "–"
    median = form(statistics.median(ranked))
    return median if len(ranked) == 1 else f"{median} ({form(ranked[0])}–{form(ranked[-1])})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cost_row(contestant: Contestant, runs: Sequence[Run]) -> list[str] | None:
    if not runs:
        return None
    most = max(run.events for run in runs)
    exact = [run for run in runs if not run.faults]  # what is wrong has no cost
    large = [run for run in exact if run.events == most]
    return [
        contestant.title,
        f"{most:,}",
        middle(slopes(exact, CPU), "{:.2f}".format),
        middle([run.cpu_seconds / most * 1e6 for run in large], "{:.2f}".format),
        middle([run.events_per_second for run in large], "{:,.0f}".format),
        middle([run.peak_bytes / MIB for run in large], "{:.0f}".format),
        middle(slopes(exact, BROKER_CPU), "{:.2f}".format),
        f"{len(exact)}/{len(runs)}",
    ]


def _promise_row(promise: Promise) -> list[str]:
    return [promise.name, promise.measured, promise.promised, "yes" if promise.holds else "**no**"]


def _circumstances(runs: Sequence[Run]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    busy = sum(run.other_cores > BUSY_CORES for run in runs)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), shared with the broker; "
        f"Python {platform.python_version()}, {libraries}. Median (smallest–largest) of the rounds. "
        f"Something else used more than {BUSY_CORES} cores during {busy} of {len(runs)} runs, "
        f"and {sum(not run.quiet for run in runs)} were begun without the machine being quiet."
    )
