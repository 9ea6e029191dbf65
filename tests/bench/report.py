"""Runs and promises in, tables out: for a terminal, and as Markdown."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contest import Run
from contestant import Contestant
from machine import described, versions
from measured import BROKER_CPU, CPU, Measured, slopes
from promise import MIB, Promise
from rich.console import Console
from rich.markdown import Markdown
from targets import TARGETS

COST_HEADS = (
    "", "job", "events", "CPU µs/event, start-up left out", "CPU µs/event, whole run", "events/s",
    "peak MiB", "broker CPU µs/event", "exactly once", "right output",
)  # fmt: skip
PROMISE_HEADS = ("", "measured", "promised", "")
TARGET_HEADS = ("", "measured", "to reach", "")
BUSY_CORES = 0.25
HAND_US = 10.35


@dataclass(frozen=True)
class Report:
    """All that one command has measured; `missing` says by name why a row is not to be had."""

    contestants: Sequence[Contestant]
    runs: Sequence[Run]
    promises: Sequence[Promise]
    missing: Mapping[str, str] = field(default_factory=dict)

    def as_markdown(self) -> str:
        """Return the whole of it."""
        parts = [self._circumstances()]
        if self.contestants:
            rows = (self._cost_row(contestant) for contestant in self.contestants)
            parts += ["## The cost of an event", table(COST_HEADS, rows)]
        faults = [
            f"{run.name}, {run.events:,} events: {_cell(fault)}" for run in self.runs for fault in run.faults
        ]
        parts += ["\n".join(f"* **not right:** {fault}" for fault in faults)] if faults else []
        measured = Measured(self.runs, self.promises)
        parts += ["## Targets", _machine(measured), table(TARGET_HEADS, (t.row(measured) for t in TARGETS))]
        if self.promises:
            rows = (_promise_row(promise) for promise in self.promises)
            parts += ["## What else was measured", table(PROMISE_HEADS, rows)]
        return "\n\n".join(parts) + "\n"

    def _cost_row(self, contestant: Contestant) -> list[str]:
        runs = [run for run in self.runs if run.name == contestant.name]
        told = [contestant.title, contestant.job]
        if not runs:
            why = self.missing.get(contestant.name, "the time was up")
            return [*told, *["–"] * 6, _yes(contestant.exactly_once), f"not run: {_cell(why)}"]
        most = max(run.events for run in runs)
        exact = [run for run in runs if not run.faults]  # what is wrong has no cost
        large = [run for run in exact if run.events == most]
        return [
            *told, f"{most:,}",
            middle(slopes(exact, CPU).values(), "{:.2f}".format),
            middle([run.cpu_seconds / most * 1e6 for run in large], "{:.2f}".format),
            middle([run.events_per_second for run in large if run.events_per_second], "{:,.0f}".format),
            middle([run.peak_bytes / MIB for run in large], "{:.0f}".format),
            middle(slopes(exact, BROKER_CPU).values(), "{:.2f}".format),
            _yes(contestant.exactly_once), f"{len(exact)} of {len(runs)} runs",
        ]  # fmt: skip

    def _circumstances(self) -> str:
        busy = sum(run.other_cores > BUSY_CORES for run in self.runs)
        loud = sum(not run.quiet for run in self.runs)
        return (
            f"{described()}, shared with the broker. {versions()}.\n\n"
            f"Median (smallest–largest) of the rounds. Something else used more than {BUSY_CORES} cores "
            f"during {busy} of {len(self.runs)} runs, and {loud} were begun without the machine being quiet."
        )


def promised_costs(contestants: Sequence[Contestant], runs: Sequence[Run]) -> Iterator[Promise]:
    """Yield what is promised of the cost of an event, and whether the median of the rounds keeps it.

    The bounds are those of a machine on which the hand-written loop takes `HAND_US`: where it
    has taken part, the costs are also told, and judged, at that machine's speed.
    """
    measured = Measured(runs, [])
    by_hand = measured.cost("B-hand")
    speed = HAND_US / by_hand if by_hand else 1.0
    for contestant in contestants:
        found = measured.costs(contestant.name).values()
        if contestant.most_us is not None and found:
            as_there = [us * speed for us in found]
            there = f"; {middle(as_there, '{:.2f}'.format)} at that speed" if by_hand else ""
            yield Promise(
                f"{contestant.job}: {contestant.title.replace('*', '')}",
                f"{middle(found, '{:.2f}'.format)} µs CPU an event{there}",
                f"≤ {contestant.most_us:g} µs, where the access-log loop by hand takes {HAND_US:g}",
                statistics.median(as_there) <= contestant.most_us,
            )


def show(console: Console, markdown: str) -> None:
    """Print a report on a terminal, or as it is into a pipe."""
    console.print(Markdown(markdown)) if console.is_terminal else print(markdown)


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


def _promise_row(promise: Promise) -> list[str]:
    return [promise.name, _cell(promise.measured), promise.promised, "yes" if promise.holds else "**no**"]


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def _machine(measured: Measured) -> str:
    slowness = measured.slowness
    if slowness is None:
        return "The access-log loop by hand was not run, so nothing is scaled to the speed of this machine."
    kind = "slow" if measured.is_slow else "fast"
    return (
        f"By the access-log loop by hand this machine takes {slowness:.2f} times the CPU of the slower one "
        f"that targets are told for: cores are scaled by that, and of two bounds that of a "
        f"{kind} machine holds."
    )
