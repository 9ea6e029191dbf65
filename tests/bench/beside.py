"""Beside another commit: the same rows from its tree, and what ours cost in its terms."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from contest import Run
from contestant import Command, Contestant
from measured import BROKER_CPU, CPU, Measured
from measured import ratios as by_round
from report import middle, table
from tree import Tree

HEADS = ("", "CPU, ours to theirs", "broker CPU, ours to theirs")


def twins(contestants: Sequence[Contestant], tree: Tree) -> Iterator[Contestant]:
    """Yield every row, each of our own engine followed by the same row from the other tree."""
    for contestant in contestants:
        yield contestant
        if contestant.ours and tree.has(contestant.app):
            yield replace(
                contestant,
                who=f"{contestant.who}-at-{tree.commit}",
                title=f"{contestant.title.replace('*', '')}, at {tree.commit}",
                program=partial(_command, contestant, tree),
                tree=tree,
                most_us=None,
            )


def _command(contestant: Contestant, tree: Tree) -> Command:
    return tree.command(contestant.program())


def ratios(contestants: Sequence[Contestant], runs: Sequence[Run], tree: Tree) -> str:
    """Return a table of our costs divided by the other tree's, round by round, start-up left out."""
    measured = Measured(runs, [])
    rows = [
        [c.title, *(_ratio(measured, c.name, f"{c.name}-at-{tree.commit}", of) for of in (CPU, BROKER_CPU))]
        for c in contestants
        if c.ours and c.tree is not tree and tree.has(c.app)
    ]
    return f"## Beside {tree.commit}\n\nRound by round:\n\n{table(HEADS, rows)}"


def _ratio(measured: Measured, ours: str, theirs: str, of: Callable[[Run], float]) -> str:
    return middle(by_round(measured.costs(ours, of), measured.costs(theirs, of)), "{:.2f}".format)
