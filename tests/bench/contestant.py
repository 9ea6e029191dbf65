"""A row of the table: a program, its job, its input and its share of it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import Cluster
from flows.flow import Flow
from inputs import BOOKINGS, Input
from tree import OURS, Tree

PEERS = Path(__file__).parent / "peers"
QUICK_SHARE, SMALL_SHARE = 0.25, 0.25
SHIPPED = (sys.executable, "-m", "dataflow", "worker")
WORKER = ("worker", "--loglevel", "warn")

Command = tuple[str, ...]
MakeFlow = Callable[[Cluster, str, int], Flow]
Program = Callable[[], Command]
"""Returns how it is started, having made what it needs; raises `OSError` where it is not to be had."""


@dataclass(frozen=True)
class Contestant:
    """One row; `share` of the events of the others is what a slow one gets."""

    job: str
    who: str
    title: str
    program: Program
    flow: MakeFlow
    given: Input = BOOKINGS
    environment: Mapping[str, str] = field(default_factory=dict)
    exactly_once: bool = False
    share: float = 1.0
    app: str = ""
    """The module of this folder that it runs by our engine."""
    tree: Tree = OURS
    always: bool = True
    """Otherwise it runs only when it is named."""
    ends: bool = False
    """It reads what is there and ends by itself; its offsets it keeps in a place of its own."""
    most_us: float | None = None
    """CPU an event, start-up left out, that is promised."""

    @property
    def name(self) -> str:
        """Return job and program."""
        return f"{self.job}-{self.who}"

    @property
    def ours(self) -> bool:
        """Whether it runs this engine."""
        return bool(self.app) or self.program is shipped

    @property
    def judged(self) -> bool:
        """Whether targets are of it, or are told by it; or it is the twin of such a row."""
        return self.ours or self.tree is not OURS or self.who in ("hand", "kafka-streams-eos")

    def sizes(self, *, quick: bool) -> tuple[int, int]:
        """Return how many events the large run takes, and the small one."""
        large = self.given.events * self.share * (QUICK_SHARE if quick else 1)
        return int(large), int(large * SMALL_SHARE)

    def is_named(self, words: set[str]) -> bool:
        """Whether one of the words is its job, its program or both."""
        return bool(words & {self.job.lower(), self.who, self.name.lower()})


def shipped() -> Command:
    """Return the command of the worker that is shipped."""
    return SHIPPED


def faust(app: str, *options: str) -> Program:
    """Return a Faust worker with options of its own."""
    return lambda: (sys.executable, "-m", "faust", "-A", app, *WORKER, *options)


def by_engine(app: str) -> Program:
    """Return a worker of this engine, with the event loop that `dataflow worker` takes."""
    return lambda: (sys.executable, "-m", "faust", "-A", app, "--loop", "uvloop", *WORKER)


def by_hand(program: str) -> Program:
    """Return a program of the peers that runs with what this project's own environment has."""
    return lambda: (sys.executable, str(PEERS / program))
