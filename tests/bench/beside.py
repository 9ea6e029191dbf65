"""Beside another commit: the same rows from its tree, and what ours cost in its terms."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from contest import Run
from contestants import Contestant
from report import BROKER_CPU, CPU, middle, slopes, table
from tree import Tree

HEADS = ("", "CPU, ours to theirs", "broker CPU, ours to theirs")


def twins(contestants: Sequence[Contestant], tree: Tree) -> Iterator[Contestant]:
    """Yield every row, each of our own engine followed by the same row from the other tree."""
    for contestant in contestants:
        yield contestant
        if contestant.ours:
            yield replace(
                contestant,
                name=f"{contestant.name}-at-{tree.commit}",
                title=f"{contestant.title.replace('*', '')}, at {tree.commit}",
                command=tree.command(contestant.command),
                tree=tree,
                most_us=None,
            )


def ratios(contestants: Sequence[Contestant], runs: Sequence[Run], tree: Tree) -> str:
    """Return a table of our costs divided by the other tree's, round by round, start-up left out."""
    rows = [
        [c.title, *(_ratio(runs, c.name, f"{c.name}-at-{tree.commit}", of) for of in (CPU, BROKER_CPU))]
        for c in contestants
        if c.ours and c.tree is not tree
    ]
    return f"Beside {tree.commit}, round by round:\n\n{table(HEADS, rows)}"


def _ratio(runs: Sequence[Run], ours: str, theirs: str, of: Callable[[Run], float]) -> str:
    costs = [
        slopes([run for run in runs if run.name == name and not run.faults], of) for name in (ours, theirs)
    ]
    return middle((a / b for a, b in zip(*costs, strict=False) if b > 0), "{:.2f}".format)
